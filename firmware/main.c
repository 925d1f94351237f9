// What a board does from its start: /rom and /flash are mounted, boot.py and
// main.py run, then the REPL; Ctrl-D in it begins anew.

#include <string.h>

#include "py/cstack.h"
#include "py/gc.h"
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "shared/readline/readline.h"
#include "shared/runtime/gchelper.h"
#include "shared/runtime/pyexec.h"
#include "shared/runtime/softtimer.h"
#include "board.h"

#define STACK_SIZE (32 << 10)

extern uint32_t _estack;

static uint32_t heap[HEAP_MAX / sizeof(uint32_t)];

uint32_t reset_cause;

// scripts runs boot.py and main.py, as ports do. It returns whether one ended
// the session.
static bool scripts(void) {
    int result = pyexec_file_if_exists("boot.py");
    if (!(result & PYEXEC_FORCED_EXIT) && pyexec_mode_kind == PYEXEC_MODE_FRIENDLY_REPL && result != 0) {
        result = pyexec_file_if_exists("main.py");
    }
    return result & PYEXEC_FORCED_EXIT;
}

static int repl(void) {
    return pyexec_mode_kind == PYEXEC_MODE_RAW_REPL ? pyexec_raw_repl() : pyexec_friendly_repl();
}

int main(void) {
    bool fresh = counters.magic != MAGIC;
    if (fresh) {
        memset(COUNTERS, 0, sizeof(counters_t));
        counters.magic = MAGIC;
    }
    reset_cause = counters.cause ? counters.cause : 1;
    counters.cause = 0;
    counters.busy = 0;
    counters.boots++;
    if (settings.size > PARTITION_MAX) {
        settings.size = PARTITION_MAX;
    }
    if (settings.heap > HEAP_MAX) {
        settings.heap = HEAP_MAX;
    }
    clock_start();
    uart_start();
    mp_cstack_init_with_top(&_estack, STACK_SIZE);
    cells_start(fresh);
    for (;;) {
        gc_init(heap, (char *)heap + settings.heap);
        mp_init();
        readline_init0();
        disk_mount(fresh);
        fresh = false;
        if (!scripts()) {
            while (repl() == 0) {
            }
        }
        mp_printf(&mp_plat_print, "MPY: soft reboot\n");
        soft_timer_deinit();
        gc_sweep_all();
        mp_deinit();
    }
}

void gc_collect(void) {
    gc_collect_start();
    gc_helper_collect_regs_and_stack();
    soft_timer_gc_mark_all();
    gc_collect_end();
}

void nlr_jump_fail(void *val) {
    mp_printf(&mp_plat_print, "uncaught NLR\n");
    board_reset();
}

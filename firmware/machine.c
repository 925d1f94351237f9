// Module machine, as extmod/modmachine.c includes it.

#include "py/mphal.h"
#include "board.h"

enum { CAUSE_POWER = 1, CAUSE_HARD };

static void mp_machine_idle(void) {
    mp_event_handle_nowait();
    wait_for_event();
}

static void mp_machine_reset(void) {
    counters.cause = CAUSE_HARD;
    board_reset();
}

extern uint32_t reset_cause;

static mp_int_t mp_machine_reset_cause(void) {
    return reset_cause;
}

static mp_obj_t emulated_unique_id(void) {
    return mp_obj_new_bytes((const byte *)settings.id, sizeof(settings.id));
}
static MP_DEFINE_CONST_FUN_OBJ_0(emulated_unique_id_obj, emulated_unique_id);

#define MICROPY_PY_MACHINE_EXTRA_GLOBALS \
    {MP_ROM_QSTR(MP_QSTR_unique_id), MP_ROM_PTR(&emulated_unique_id_obj)}, \
    {MP_ROM_QSTR(MP_QSTR_Timer), MP_ROM_PTR(&machine_timer_type)}, \
    {MP_ROM_QSTR(MP_QSTR_PWRON_RESET), MP_ROM_INT(CAUSE_POWER)}, \
    {MP_ROM_QSTR(MP_QSTR_HARD_RESET), MP_ROM_INT(CAUSE_HARD)}, \
    {MP_ROM_QSTR(MP_QSTR_WDT_RESET), MP_ROM_INT(CAUSE_HARD + 1)}, \
    {MP_ROM_QSTR(MP_QSTR_SOFT_RESET), MP_ROM_INT(CAUSE_HARD + 2)},

// micropython.wasm [-X heapsize=BYTES] -c CODE|FILE [ARGUMENT...]: what the unix
// port does with these, on the files that WASI's host shows.

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "py/compile.h"
#include "py/cstack.h"
#include "py/gc.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "extmod/vfs.h"
#include "extmod/vfs_posix.h"
#include "shared/runtime/gchelper.h"

#define HEAP_DEFAULT (1 << 20)
#define STACK_SIZE (96 << 10) // that Python may use, of what the linker's flags give: unwinding more takes seconds

static void mount_host(void) {
    mp_obj_t args[] = {
        MP_OBJ_TYPE_GET_SLOT(&mp_type_vfs_posix, make_new)(&mp_type_vfs_posix, 0, 0, NULL),
        MP_OBJ_NEW_QSTR(MP_QSTR__slash_),
    };
    mp_vfs_mount(2, args, (mp_map_t *)&mp_const_empty_map);
    MP_STATE_VM(vfs_cur) = MP_STATE_VM(vfs_mount_table);
}

// exit_status is what an exception that nothing caught ends the program with.
static int exit_status(mp_obj_t exc) {
    if (!mp_obj_is_subclass_fast(MP_OBJ_FROM_PTR(mp_obj_get_type(exc)), MP_OBJ_FROM_PTR(&mp_type_SystemExit))) {
        mp_obj_print_exception(&mp_plat_print, exc);
        return 1;
    }
    mp_obj_t value = mp_obj_exception_get_value(exc);
    mp_int_t status;
    if (value == mp_const_none) {
        return 0;
    }
    if (mp_obj_get_int_maybe(value, &status)) {
        return status & 255;
    }
    mp_obj_print(value, PRINT_STR);
    mp_print_str(&mp_plat_print, "\n");
    return 1;
}

static int run(const char *code, const char *file) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) != 0) {
        return exit_status(MP_OBJ_FROM_PTR(nlr.ret_val));
    }
    mp_lexer_t *lexer = code ? mp_lexer_new_from_str_len(MP_QSTR__lt_stdin_gt_, code, strlen(code), 0)
        : mp_lexer_new_from_file(qstr_from_str(file));
    qstr source = lexer->source_name;
    mp_parse_tree_t tree = mp_parse(lexer, MP_PARSE_FILE_INPUT);
    mp_call_function_0(mp_compile(&tree, source, false));
    mp_handle_pending(true);
    nlr_pop();
    return 0;
}

static int usage(void) {
    mp_hal_stdout_tx_str("usage: micropython [-X heapsize=BYTES] -c CODE|FILE [ARGUMENT...]\n");
    return 2;
}

int main(int argc, char **argv) {
    mp_cstack_init_with_sp_here(STACK_SIZE);
    size_t heap_size = HEAP_DEFAULT;
    const char *code = NULL;
    int at = 1;
    for (; at + 1 < argc && strcmp(argv[at], "-X") == 0; at += 2) {
        if (strncmp(argv[at + 1], "heapsize=", 9) == 0) {
            heap_size = strtoul(argv[at + 1] + 9, NULL, 10);
        } else if (strcmp(argv[at + 1], "emit=bytecode") != 0) { // there is nothing else
            return usage();
        }
    }
    if (at + 1 < argc && strcmp(argv[at], "-c") == 0) {
        code = argv[++at];
    }
    if (at >= argc || argv[at][0] == '-') {
        return usage();
    }
    char *heap = malloc(heap_size);
    if (heap == NULL) {
        mp_hal_stdout_tx_str("there is not so much memory for the heap\n");
        return 1;
    }
    gc_init(heap, heap + heap_size);
    mp_init();
    mount_host();
    // sys.path begins with the program's folder, which for -c is this one.
    const char *slash = code ? NULL : strrchr(argv[at], '/');
    if (slash != NULL) {
        mp_obj_list_store(mp_sys_path, MP_OBJ_NEW_SMALL_INT(0), mp_obj_new_str(argv[at], slash - argv[at]));
    }
    mp_obj_list_append(mp_sys_argv, mp_obj_new_str_from_cstr(code ? "-c" : argv[at]));
    for (int i = at + 1; i < argc; i++) {
        mp_obj_list_append(mp_sys_argv, mp_obj_new_str_from_cstr(argv[i]));
    }
    int status = run(code, argv[at]);
    mp_deinit();
    return status;
}

void gc_collect(void) {
    gc_collect_start();
    gc_helper_collect_regs_and_stack();
    gc_collect_end();
}

void nlr_jump_fail(void *val) {
    mp_hal_stdout_tx_str("an exception that nothing can catch\n");
    abort();
}

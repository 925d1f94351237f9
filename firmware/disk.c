// /flash: a littlefs in RAM, with the files that were loaded for a new board.

#include <string.h>

#include "py/builtin.h"
#include "py/objstr.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "extmod/vfs.h"
#include "extmod/vfs_lfs.h"
#include "board.h"

extern mp_obj_base_t disk_obj;

// fill writes the files at FILES: each is two words, the lengths of its name and
// its contents, and then both. A name of no bytes ends them.
static void fill(void) {
    const uint8_t *p = FILES;
    for (;;) {
        uint32_t length[2];
        memcpy(length, p, sizeof(length));
        p += sizeof(length);
        if (length[0] == 0 || length[0] > (size_t)(FILES_END - p) || length[1] > (size_t)(FILES_END - p) - length[0]) {
            return;
        }
        const char *name = (const char *)p;
        for (uint32_t i = 0; i < length[0]; i++) {
            nlr_buf_t nlr;
            if (name[i] == '/' && nlr_push(&nlr) == 0) {
                mp_vfs_mkdir(mp_obj_new_str(name, i)); // it may be there already
                nlr_pop();
            }
        }
        mp_obj_t args[] = {mp_obj_new_str(name, length[0]), MP_OBJ_NEW_QSTR(MP_QSTR_wb)};
        mp_obj_t file = mp_vfs_open(2, args, (mp_map_t *)&mp_const_empty_map);
        int error;
        mp_stream_write_exactly(file, p + length[0], length[1], &error);
        mp_stream_close(file);
        p += length[0] + length[1];
    }
}

void disk_mount(bool fresh) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) != 0) {
        mp_obj_print_exception(&mp_plat_print, MP_OBJ_FROM_PTR(nlr.ret_val));
        return;
    }
    mp_obj_t disk = MP_OBJ_FROM_PTR(&disk_obj);
    if (fresh) {
        mp_obj_t mkfs[2];
        mp_load_method(MP_OBJ_FROM_PTR(&mp_type_vfs_lfs2), MP_QSTR_mkfs, mkfs);
        mp_call_function_1(mkfs[0], disk);
    }
    mp_obj_t path = MP_OBJ_NEW_QSTR(MP_QSTR__slash_flash);
    mp_obj_t args[] = {mp_call_function_1(MP_OBJ_FROM_PTR(&mp_type_vfs_lfs2), disk), path};
    mp_vfs_mount(2, args, (mp_map_t *)&mp_const_empty_map);
    mp_vfs_chdir(path);
    mp_obj_list_append(mp_sys_path, path);
    mp_obj_list_append(mp_sys_path, MP_OBJ_NEW_QSTR(MP_QSTR__slash_flash_slash_lib));
    if (fresh) {
        fill();
    }
    nlr_pop();
}

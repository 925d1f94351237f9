// vfs.rom_ioctl, and block devices: of the partition, and of the RAM that
// /flash lies in.

#include <string.h>

#include "py/mperrno.h"
#include "py/objarray.h"
#include "py/runtime.h"
#include "extmod/vfs.h"
#include "board.h"

#define ROM_IOCTL_ERASE_UNIT (6) // since MicroPython 1.29

typedef struct {
    mp_obj_base_t base;
    uint8_t *start; // PARTITION, whose cells count, or RAM
    uint32_t block, blocks;
} blocks_obj_t;

blocks_obj_t partition_obj = {{&blocks_type}, PARTITION};
blocks_obj_t disk_obj = {{&blocks_type}, DISK, 512, DISK_SIZE / 512};

static void check(int error) {
    if (error) {
        mp_raise_OSError(-error);
    }
}

// range returns where a transfer begins.
static uint32_t range(blocks_obj_t *self, size_t n_args, const mp_obj_t *args, size_t len) {
    uint64_t at = (uint64_t)mp_obj_get_uint(args[1]) * self->block + (n_args == 4 ? mp_obj_get_uint(args[3]) : 0);
    if (at + len > (uint64_t)self->block * self->blocks) {
        counters.outside++;
        mp_raise_OSError(MP_EINVAL);
    }
    return at;
}

static mp_obj_t readblocks(size_t n_args, const mp_obj_t *args) {
    blocks_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    mp_buffer_info_t buf;
    mp_get_buffer_raise(args[2], &buf, MP_BUFFER_WRITE);
    memcpy(buf.buf, self->start + range(self, n_args, args, buf.len), buf.len);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(readblocks_obj, 3, 4, readblocks);

// Without an offset the blocks are erased first.
static mp_obj_t writeblocks(size_t n_args, const mp_obj_t *args) {
    blocks_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    mp_buffer_info_t buf;
    mp_get_buffer_raise(args[2], &buf, MP_BUFFER_READ);
    uint32_t at = range(self, n_args, args, buf.len);
    if (self->start != PARTITION) {
        memcpy(self->start + at, buf.buf, buf.len);
        return mp_const_none;
    }
    if (n_args == 3) {
        check(cells_erase(at, buf.len));
    }
    check(cells_program(at, buf.buf, buf.len));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(writeblocks_obj, 3, 4, writeblocks);

static mp_obj_t blocks_ioctl(mp_obj_t self_in, mp_obj_t op, mp_obj_t arg) {
    blocks_obj_t *self = MP_OBJ_TO_PTR(self_in);
    switch (mp_obj_get_int(op)) {
        case MP_BLOCKDEV_IOCTL_INIT:
        case MP_BLOCKDEV_IOCTL_DEINIT:
        case MP_BLOCKDEV_IOCTL_SYNC:
            return MP_OBJ_NEW_SMALL_INT(0);
        case MP_BLOCKDEV_IOCTL_BLOCK_COUNT:
            return MP_OBJ_NEW_SMALL_INT(self->blocks);
        case MP_BLOCKDEV_IOCTL_BLOCK_SIZE:
            return MP_OBJ_NEW_SMALL_INT(self->block);
        case MP_BLOCKDEV_IOCTL_BLOCK_ERASE:
            if (self->start != PARTITION) {
                return MP_OBJ_NEW_SMALL_INT(0);
            }
            if (settings.cells == CELLS_REWRITTEN) {
                counters.outside++; // samd erases a block of the main file system here
                return MP_OBJ_NEW_SMALL_INT(0);
            }
            check(cells_erase(mp_obj_get_uint(arg) * self->block, self->block));
            return MP_OBJ_NEW_SMALL_INT(0);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(blocks_ioctl_obj, blocks_ioctl);

static const mp_rom_map_elem_t blocks_locals_table[] = {
    {MP_ROM_QSTR(MP_QSTR_readblocks), MP_ROM_PTR(&readblocks_obj)},
    {MP_ROM_QSTR(MP_QSTR_writeblocks), MP_ROM_PTR(&writeblocks_obj)},
    {MP_ROM_QSTR(MP_QSTR_ioctl), MP_ROM_PTR(&blocks_ioctl_obj)},
};
static MP_DEFINE_CONST_DICT(blocks_locals, blocks_locals_table);

static mp_int_t blocks_buffer(mp_obj_t self_in, mp_buffer_info_t *info, mp_uint_t flags) {
    blocks_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (flags != MP_BUFFER_READ) {
        return 1;
    }
    info->buf = self->start;
    info->len = self->block * self->blocks;
    info->typecode = 'B';
    return 0;
}

MP_DEFINE_CONST_OBJ_TYPE(
    blocks_type,
    MP_QSTR_Blocks,
    MP_TYPE_FLAG_NONE,
    buffer, blocks_buffer,
    locals_dict, &blocks_locals
    );

static mp_obj_t segment(void) {
    if (settings.segment == SEGMENT_BLOCKS) {
        partition_obj.block = settings.erase;
        partition_obj.blocks = settings.size / settings.erase;
        return MP_OBJ_FROM_PTR(&partition_obj);
    }
    static mp_obj_array_t view = {{&mp_type_memoryview}, 'B', 0, 0, PARTITION};
    view.len = settings.size;
    return MP_OBJ_FROM_PTR(&view);
}

static int prepare(size_t n_args, const mp_obj_t *args) {
    uint32_t off = 0, len = mp_obj_get_int(args[2]);
    if (settings.op6 && n_args == 4) {
        off = len;
        len = mp_obj_get_int(args[3]);
    }
    len += (settings.erase - (off + len) % settings.erase) % settings.erase;
    int error = cells_erase(off, len);
    return error ? error : (int)settings.reported;
}

static int write(const mp_obj_t *args) {
    mp_buffer_info_t buf;
    mp_get_buffer_raise(args[3], &buf, MP_BUFFER_READ);
    return cells_program(mp_obj_get_int(args[2]), buf.buf, buf.len);
}

mp_obj_t mp_vfs_rom_ioctl(size_t n_args, const mp_obj_t *args) {
    int op = mp_obj_get_int(args[0]);
    int segments = settings.segment != SEGMENT_NONE;
    int result = -MP_EINVAL;
    if (op == MP_VFS_ROM_IOCTL_GET_NUMBER_OF_SEGMENTS) {
        result = segments;
    } else if (n_args >= 2 && mp_obj_get_int(args[1]) >= 0 && mp_obj_get_int(args[1]) < segments) {
        if (op == MP_VFS_ROM_IOCTL_GET_SEGMENT) {
            return segment();
        }
        if (settings.segment == SEGMENT_MEMORYVIEW && settings.cells != CELLS_READ_ONLY) {
            if (op == MP_VFS_ROM_IOCTL_WRITE_PREPARE && n_args >= 3) {
                result = prepare(n_args, args);
            } else if (op == MP_VFS_ROM_IOCTL_WRITE && n_args == 4) {
                result = write(args);
            } else if (op == ROM_IOCTL_ERASE_UNIT && settings.op6) {
                result = settings.erase;
            }
        }
    }
    return MP_OBJ_NEW_SMALL_INT(result);
}

// import emulated: what the board counts.

#include "py/runtime.h"
#include "board.h"

static mp_obj_t emulated_stats(void) {
    #define WORD(name) {MP_QSTR_##name, offsetof(counters_t, name)}
    static const struct {
        uint16_t name;
        uint16_t offset;
    } words[] = {
        WORD(boots), WORD(erases), WORD(programs), WORD(programmed), WORD(received), WORD(lost), WORD(unheard),
        WORD(bad), WORD(twice), WORD(unaligned), WORD(outside), WORD(source),
    };
    mp_obj_t dict = mp_obj_new_dict(MP_ARRAY_SIZE(words));
    for (size_t i = 0; i < MP_ARRAY_SIZE(words); i++) {
        uint32_t n = *(uint32_t *)((char *)COUNTERS + words[i].offset);
        mp_obj_dict_store(dict, MP_OBJ_NEW_QSTR(words[i].name), mp_obj_new_int_from_uint(n));
    }
    return dict;
}
static MP_DEFINE_CONST_FUN_OBJ_0(emulated_stats_obj, emulated_stats);

static const mp_rom_map_elem_t emulated_globals_table[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_emulated)},
    {MP_ROM_QSTR(MP_QSTR_stats), MP_ROM_PTR(&emulated_stats_obj)},
};
static MP_DEFINE_CONST_DICT(emulated_globals, emulated_globals_table);

const mp_obj_module_t emulated_module = {
    .base = {&mp_type_module},
    .globals = (mp_obj_dict_t *)&emulated_globals,
};
MP_REGISTER_MODULE(MP_QSTR_emulated, emulated_module);

# Built-in modules are made those of the board in place, inside the interpreter:
# shims in sys.modules would hide a user's own machine.py, which firmware imports
# rather than its built-in module, and an __import__ of ours would resolve what is
# relative from here, since the VM does not tell it who asks.
#
# A module is a structure in read-only memory: its type, and the dictionary of its
# names. The interpreter finds it in a table of pairs, name and module.

KEEP = []  # dictionaries that only such a structure refers to


def peek(at):
    return struct.unpack("P", uctypes.bytearray_at(at, WORD))[0]


def poke(at, value):
    if c_mprotect(at & -PAGE, PAGE, 3):
        raise OSError("the interpreter's memory cannot be changed")
    uctypes.bytearray_at(at, WORD)[:] = struct.pack("P", value)


def raw(obj):
    # The word that stands for an object: the first item of a list, behind type, size and length.
    cell = [obj]
    return peek(peek(id(cell) + 3 * WORD))


def name_word(name):
    # The word that stands for a name as the compiler has it.
    return raw(type(name, (), {}).__name__)


# The parts of the interpreter's program file in memory, as (address, size).
OWN_FILE = [what for at, size, access, what in MEMORY if at <= id(sys) % (1 << 8 * WORD) < at + size][0]
OWN_MEMORY = [(at, size) for at, size, access, what in MEMORY if what == OWN_FILE and access[0] == "r"]


def locate(pattern):
    for start, size in OWN_MEMORY:
        at = c_memmem(start, size, pattern, len(pattern))
        if at:
            return at
    return 0


def set_names(module, names):
    if peek(id(module)) != id(type(module)) % (1 << 8 * WORD):
        raise OSError("the interpreter's modules are not as they were up to MicroPython 1.29")
    KEEP.append(names)
    poke(id(module) + WORD, id(names))
    uctypes.bytearray_at(id(names) + WORD, 1)[0] |= 2  # fixed, as what is in ROM: nothing can be stored


def hide(name):
    # Makes "import name" fail, as of a module that the board's firmware does not have.
    try:
        module = __import__(name)
    except ImportError:
        return
    at = locate(struct.pack("PP", name_word(name), id(module) % (1 << 8 * WORD)))
    if at:
        poke(at, name_word("_hidden"))
        return
    for ending in ("/__init__.py", "/__init__.mpy", ".py", ".mpy"):  # a frozen one
        at = locate(name.encode() + ending.encode())
        if at:
            c_mprotect(at & -PAGE, PAGE, 3)
            uctypes.bytearray_at(at, 1)[0] = 1
    for loaded in list(sys.modules):
        if loaded == name or loaded.startswith(name + "."):
            del sys.modules[loaded]

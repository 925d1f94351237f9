# What alone.py does when the module is imported, or not: a is the exception then.
# Printed are the bytes that the import took, those without what it added to tables of
# names, and its file.
import gc
import sys

name = vfs[1]
top = name.split(".")[0]


def again():
    for i in range(64):  # places for modules, and the names are there now
        sys.modules[i] = None
    for i in range(64):
        del sys.modules[i]
    for i in list(sys.modules):
        if i != "__main__":
            del sys.modules[i]
    if top not in ("a", "b", "gc", "sys", "vfs"):  # names of alone.py, which then does not say import
        del globals()[top]
    gc.collect()
    gc.collect()
    before = gc.mem_alloc()
    try:
        __import__(name)
        gc.collect()
        gc.collect()
        return gc.mem_alloc() - before
    except BaseException:
        return b - a


if isinstance(a, int):
    # Modules of the interpreter itself are not in sys.modules.
    file = getattr(sys.modules.get(name), "__file__", "")
    own = again()
    print()
    print("\x02", b - a, own, file)
else:
    print()
    sys.print_exception(a, sys.stdout)
    print("\x02")

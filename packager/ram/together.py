# Measures what modules add to the heap, imported one after the other.
# Printed are the bytes that each took, and its file.
import gc
import sys
import vfs

vfs.mount(FILES, "/rom")
STUBS
sys.path[:] = PATH
vfs.umount("/")
for n in (MODULES):
    getattr(sys, n, None)  # as in a program that imports it, n is a name already
    gc.collect()
    gc.collect()  # of what the first one has finalised
    b = gc.mem_alloc()
    try:
        __import__(n)
    except BaseException as e:
        print()
        sys.print_exception(e, sys.stdout)
        print("\x02")
        continue
    gc.collect()
    gc.collect()
    b = gc.mem_alloc() - b
    print()
    print("\x02", b, b, getattr(sys.modules.get(n), "__file__", ""))

# Measures what importing modules takes of the heap, one after the other.
#   micropython -c SCRIPT FILE
# In FILE are lines: "image" or a folder, sys.path, and a module each. (As arguments
# they would be names, of which MicroPython keeps a table that is a part of what is
# measured. It is why the names in here are short, too.) Printed are the bytes that
# the import took, those without what it added to tables of names, and its file.
import gc
import sys

import vfs

a = open(sys.argv[1]).read().split("\n")
if a[0] == "image":
    f = vfs.VfsRom(open("image", "rb").read())
else:
    f = vfs.VfsPosix(a[0])
sys.path[:] = a[1].split(":")
s = vfs.VfsPosix("stubs") if "/stubs" in sys.path else None
sys.argv[1:] = []
# No module of the host's may be found, by way of "" in sys.path.
vfs.umount("/")
vfs.mount(f, "/rom")
if s:
    vfs.mount(s, "/stubs")
s = set(sys.modules)
for n in a[2:]:
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
    # Modules of the interpreter itself are not in sys.modules.
    f = getattr(sys.modules.get(n), "__file__", "")
    e = b
    if len(a) == 3:
        # Once more, with the names that are there now, and places for modules.
        for e in range(64):
            sys.modules[e] = None
        for e in range(64):
            del sys.modules[e]
        for e in set(sys.modules) - s:
            del sys.modules[e]
        e = None
        gc.collect()
        gc.collect()
        e = gc.mem_alloc()
        try:
            __import__(n)
            gc.collect()
            gc.collect()
            e = gc.mem_alloc() - e
        except BaseException:
            e = b
    print()
    print("\x02", b, e, f)

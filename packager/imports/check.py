# Mounts an image at /rom, as firmware does, and imports modules, which must come from there.
#   micropython -c SCRIPT IMAGE STUBS SYS.PATH MODULE,... ARGUMENT...
import sys

import vfs

with open(sys.argv[1], "rb") as f:
    rom = vfs.VfsRom(f.read())
stubs = vfs.VfsPosix(sys.argv[2]) if sys.argv[2] else None
sys.path[:] = sys.argv[3].split(":")
modules = sys.argv[4].split(",")
sys.argv[1:] = sys.argv[5:]
# No module of the host's may be found, by way of "" in sys.path.
vfs.umount("/")
vfs.mount(rom, "/rom")
if stubs:
    vfs.mount(stubs, "/stubs")
for name in modules:
    try:
        module = __import__(name)
    except BaseException as e:
        print("importing %s:" % name)
        if isinstance(e, SystemExit):
            print("it ends in SystemExit, as of sys.exit(), which restarts a board")
        else:
            sys.print_exception(e, sys.stdout)
        sys.exit(1)
    # Modules of the interpreter itself are not in sys.modules.
    origin = getattr(sys.modules.get(name, module), "__file__", "the interpreter itself")
    if not origin.startswith("/rom/"):
        print("%s was imported from %s, not from /rom" % (name, origin))
        sys.exit(1)
    print("%s from %s" % (name, origin))

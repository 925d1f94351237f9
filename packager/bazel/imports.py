# Mounts an image at /rom, as firmware does, and imports modules, which must come from there.
#   micropython -c SCRIPT IMAGE STUB_DIRECTORIES MODULE,... ARGUMENT...
import sys

import vfs

with open(sys.argv[1], "rb") as f:
    vfs.mount(vfs.VfsRom(f.read()), "/rom")

# As firmware has it, and then the directories of modules that stand in for the board's.
sys.path[:] = ["", ".frozen", "/rom", "/rom/lib"] + [d for d in sys.argv[2].split(":") if d]
modules = sys.argv[3].split(",")
sys.argv[1:] = sys.argv[4:]
for name in modules:
    try:
        module = __import__(name)
    except Exception as e:
        print("importing %s:" % name)
        sys.print_exception(e, sys.stdout)
        sys.exit(1)
    # Modules of the interpreter itself are not in sys.modules.
    origin = getattr(sys.modules.get(name, module), "__file__", "the interpreter itself")
    if not origin.startswith("/rom/"):
        print("%s was imported from %s, not from /rom" % (name, origin))
        sys.exit(1)
    print("%s from %s" % (name, origin))

# What somebody types who wants to know what importing a module takes, and has not
# seen ledger.py: micropython -c "$(cat by_hand.py)" IMAGE|FOLDER MODULE [NAME...]
# Each NAME takes a place in the tables of names, which grow in steps.
import gc
import sys
import vfs

i = sys.argv[2]
if ".romfs" in sys.argv[1]:
    r = vfs.VfsRom(open(sys.argv[1], "rb").read())
else:
    r = vfs.VfsPosix(sys.argv[1])
sys.path[:] = ["/rom", "/rom/lib"]
vfs.mount(r, "/rom")
gc.collect()
gc.collect()
m = gc.mem_alloc()
__import__(i)
gc.collect()
gc.collect()
print(gc.mem_alloc() - m)

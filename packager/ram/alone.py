# Measures what importing one module takes of the heap. In capitals is what
# script.go puts in.
#
# It says what somebody would type who measures by hand, and no more, for the figure
# depends on it: each name that a script has takes a place in MicroPython's tables of
# names, and these grow in steps, which count for the import that takes the last free
# place. So what is to be done besides is the text of after.py, whose names come when
# all is measured; and what keeps it is a name that is there anyway.
import gc, sys, vfs

vfs.mount(FILES, "/rom")
STUBS
sys.path[:] = PATH
vfs = open("sys").read(), sys.argv.pop(), vfs.umount("/")  # nothing of the host's is found from here on
gc.collect()
a = gc.mem_alloc()
try:
    import MODULES
    gc.collect()
    b = gc.mem_alloc()
except BaseException as a:
    exec(vfs[0])
else:
    exec(vfs[0])

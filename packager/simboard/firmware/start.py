# Power-on: the file systems, the heap, boot.py and main.py, then the REPL.

def run_file(name):
    try:
        os.stat(name)
    except OSError:
        return
    error = run("execfile(%r)" % name, scope)
    if isinstance(error, SystemExit):
        hw(HW_RESET, 3 if name == "boot.py" else 4)
    if error is not None:
        show(error)


def mount_flash():
    # Behind what firmware has come the modules that stand in for a board's.
    vfs.mount(FILES, "/flash")
    os.chdir("/flash")
    extend_path("/flash")
    if STUBS:
        vfs.mount(STUBS, "/stubs")
        extend_path("/stubs")


ballast = None  # a chain of what fills the heap


def occupy(size):
    # Allocates pieces of that size, then of half, and so on, and then every single block, until nothing is free.
    global ballast
    while size >= 32:
        try:
            ballast = (ballast, bytearray(size))
        except MemoryError:
            size //= 2
    try:
        while True:
            ballast = (ballast,)
    except MemoryError:
        pass


def fill_heap(free, largest):
    # Leaves so much of the heap free, in pieces of that size at most.
    global ballast
    gc.collect()
    if largest:
        blocks = [None] * (gc.mem_free() // largest + 1)
        n = 0
        try:
            while True:
                blocks[n] = bytearray(largest)
                n += 1
        except MemoryError:
            pass
        occupy(largest // 2)
        # Every second one becomes a hole; those between keep the holes apart.
        for i in range(0, min(n, 2 * max(1, free // largest)), 2):
            blocks[i] = None
        ballast = (ballast, blocks)
    else:
        hole = bytearray(free)
        occupy(gc.mem_free())
        del hole
    gc.collect()


BASES = map_flash()
FILES = vfs.VfsPosix(CONFIG["files"])
STUBS = vfs.VfsPosix(CONFIG["stubs"]) if CONFIG["stubs"] else None
sys.path[:] = [p for p in CONFIG["path"] if not p.startswith("/")]
vfs.umount("/")
become_board()
landlock([CONFIG[n] for n in ("files", "stubs") if CONFIG[n]])
mount_romfs()
mount_flash()
del FILES, STUBS, ffi, libc, peek, poke, raw, locate  # a function shows its globals
gc.collect()
if CONFIG["heap"]:
    fill_heap(CONFIG["heap"], CONFIG["largest"])
hw(HW_UP)
raw = CONFIG["raw"]
run_file("boot.py")
if not raw:
    run_file("main.py")
while True:
    if raw:
        raw_repl()
    else:
        friendly_repl()
    raw = not raw

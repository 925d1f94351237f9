# The board's own file system is a folder of the host, out of which no path leads:
# ".." stops at its root, by the functions that take paths, and where the kernel has
# Landlock the process may open nothing else, whatever way it finds.


def below(path):
    # The path without "..", which goes no further than the root of the board.
    if not isinstance(path, str) or ".." not in path:
        return path
    steps = [] if path.startswith("/") else getcwd_real().split("/")
    for step in path.split("/"):
        if step == "..":
            steps = steps[:-1]
        elif step not in ("", "."):
            steps.append(step)
    return "/" + "/".join(s for s in steps if s)


def confined(f, paths=1):
    def call(*args, **more):
        return f(*[below(a) if i < paths else a for i, a in enumerate(args)], **more)

    return call


getcwd_real, mount_real = os.getcwd, vfs.mount


def mount(*args, **more):
    # Without arguments it would show the file systems, and one of them the host's folder.
    if not args:
        return [(None, path) for _, path in mount_real()]
    return mount_real(*args, **more)


PATHS = {
    name: confined(getattr(os, name), 2 if name == "rename" else 1)
    for name in ("chdir", "ilistdir", "listdir", "mkdir", "remove", "rename", "rmdir", "stat", "statvfs", "unlink")
}
PATHS["mount"] = mount


def landlock(folders):
    # May open and change what is in these folders, and nothing else; no matter on a kernel without it.
    c_open = libc.func("i", "open", "sii")
    c_close = libc.func("i", "close", "i")
    ruleset = libc.func("l", "syscall", "lPLL")(444, struct.pack("<Q", 0x1FFF), 8, 0)
    if ruleset < 0:
        return
    add = libc.func("l", "syscall", "lLLPL")
    for name in folders:
        fd = c_open(name, 0o200000, 0)
        add(445, ruleset, 1, struct.pack("<Qi", 0x1FFE, fd), 0)  # all but to execute
        c_close(fd)
    libc.func("i", "prctl", "iLLLL")(38, 1, 0, 0, 0)  # no new privileges
    libc.func("l", "syscall", "lLL")(446, ruleset, 0)
    c_close(ruleset)

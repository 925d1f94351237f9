# What user code sees of the board: its built-in modules.

MISSING = CONFIG["missing"]


class FileIO(io.IOBase):
    # sys.stdout.buffer: bytes as they are.
    def __repr__(self):
        return "<io.FileIO 1>"

    def write(self, data):
        tx(data)
        return len(data)

    def ioctl(self, op, arg):
        return arg & 4 if op == 3 else 0


class TextIOWrapper(io.IOBase):
    def __init__(self):
        self.buffer = FileIO()

    def __repr__(self):
        return "<io.TextIOWrapper 1>"

    def write(self, data):
        return stdout_real.write(data)

    def ioctl(self, op, arg):
        return arg & 4 if op == 3 else 0


class TextIn(io.IOBase):
    # sys.stdin of a firmware without sys.stdin.buffer: "\r" becomes "\n".
    def __init__(self):
        self.poll = select.poll()
        self.poll.register(stdin_real, 1)

    def read(self, n=1):
        buf = bytearray(n)
        self.readinto(buf)
        return buf.decode()

    def readinto(self, buf):
        n = stdin_real.buffer.readinto(buf)
        for i in range(n):
            if buf[i] == 13:
                buf[i] = 10
        return n

    def ioctl(self, op, arg):
        return arg & 1 if op == 3 and self.poll.poll(0) else 0


stdin_real, stdout_real, print_exception = sys.stdin, sys.stdout, sys.print_exception


class WDT:
    def __init__(self, id=0, timeout=5000):
        hw(HW_WDT, timeout)

    def feed(self):
        hw(HW_WDT, 0)


def reset():
    hw(HW_RESET, 2)


def soft_reset():
    raise SystemExit


# What a board's firmware has not, whatever its port: the host, and how to reach it.
ABSENT = ("ffi", "jni", "termios")


def has():
    # The names that the board's modules have besides the interpreter's, or in their place.
    machine_name, platform, release = CONFIG["machine"], CONFIG["platform"], CONFIG["release"]
    uname = namedtuple("", ("sysname", "nodename", "release", "version", "machine"))(
        platform, platform, release, "v%s on %s" % (release, CONFIG["date"]), machine_name
    )
    out = TextIOWrapper()
    names = {
        "sys": {
            "implementation": namedtuple("", ("name", "version", "_machine", "_mpy"))(
                "micropython", tuple(CONFIG["version"]), machine_name, CONFIG["mpy"]
            ),
            "platform": platform,
            "version": "3.4.0; MicroPython v%s on %s" % (release, CONFIG["date"]),
            "stdout": out,
            "stderr": out,
        },
        "os": dict(PATHS, uname=lambda: uname),
        "io": {"open": confined(open)},
        "micropython": {"kbd_intr": lambda c: hw(HW_INTR, c) and None},
        "machine": {
            "reset": reset, "soft_reset": soft_reset, "WDT": WDT,
            "PWRON_RESET": 1, "HARD_RESET": 2, "WDT_RESET": 3, "DEEPSLEEP_RESET": 4, "SOFT_RESET": 5,
            "reset_cause": lambda: CONFIG["reset_cause"],
            "unique_id": lambda: binascii.unhexlify(CONFIG["serial"]),
        },
        "vfs": {"mount": mount},
    }
    if "sys.stdin.buffer" in MISSING:
        names["sys"]["stdin"] = TextIn()
    if CONFIG["romfs"]:
        names["vfs"]["rom_ioctl"] = rom_ioctl
    return names


# The names that they have not: what is the unix port's own.
has_not = {
    "sys": ["executable"],
    "os": ["VfsPosix", "errno", "getenv", "popen", "putenv", "system", "unsetenv"],
    "vfs": ["VfsPosix"],
}


def become_board():
    # From here on import, and every module that was imported before, gives what the board has.
    more = has()
    for name in MISSING:
        module, _, member = name.partition(".")
        if member and "." not in member:
            has_not.setdefault(module, []).append(member)
    for name in set(more) | set(has_not):
        module = __import__(name)
        names = dict(module.__dict__)
        names.update(more.get(name, {}))
        for absent in has_not.get(name, []):
            names.pop(absent, None)
        set_names(module, names)
    builtins.open, builtins.execfile = confined(open), confined(execfile)
    for name in ABSENT + tuple(m for m in MISSING if "." not in m):
        hide(name)

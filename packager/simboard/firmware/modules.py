# What user code sees of the board: its built-in modules.

MISSING = CONFIG["missing"]


class Module:
    # A built-in module with some names added, replaced, or taken away.
    def __init__(self, name, real):
        self.__name__ = name
        self._real = real
        self._without = [m[len(name) + 1 :] for m in MISSING if m.startswith(name + ".")]

    def __getattr__(self, name):
        if name in self._without:
            raise AttributeError("'module' object has no attribute '%s'" % name)
        return getattr(self._real, name)

    def __repr__(self):
        return "<module '%s'>" % self.__name__


class RawOut(io.IOBase):
    # sys.stdout.buffer: bytes as they are.
    def write(self, data):
        tx(data)
        return len(data)

    def ioctl(self, op, arg):
        return arg & 4 if op == 3 else 0


class TextOut(io.IOBase):
    def __init__(self):
        self.buffer = RawOut()

    def write(self, data):
        return sys_real.stdout.write(data)

    def ioctl(self, op, arg):
        return arg & 4 if op == 3 else 0


class TextIn(io.IOBase):
    # sys.stdin of a firmware without sys.stdin.buffer: "\r" becomes "\n".
    def __init__(self):
        self.poll = select.poll()
        self.poll.register(sys_real.stdin, 1)

    def read(self, n=1):
        buf = bytearray(n)
        self.readinto(buf)
        return buf.decode()

    def readinto(self, buf):
        n = sys_real.stdin.buffer.readinto(buf)
        for i in range(n):
            if buf[i] == 13:
                buf[i] = 10
        return n

    def ioctl(self, op, arg):
        return arg & 1 if op == 3 and self.poll.poll(0) else 0


sys_real = sys


def shim(name, real):
    m = Module(name, real)
    sys_real.modules[name] = m
    return m


def hide(names):
    # Makes "import name" fail for modules that the board's firmware does not have.
    real_import = builtins.__import__

    def import_(name, *rest):
        if name in names:
            raise ImportError("no module named '%s'" % name)
        return real_import(name, *rest)

    builtins.__import__ = import_


class WDT:
    def __init__(self, id=0, timeout=5000):
        hw(HW_WDT, timeout)

    def feed(self):
        hw(HW_WDT, 0)


def reset():
    hw(HW_RESET, 2)


def soft_reset():
    raise SystemExit


def install_shims():
    machine_name, platform, release = CONFIG["machine"], CONFIG["platform"], CONFIG["release"]
    s = shim("sys", sys_real)
    s.implementation = namedtuple("", ("name", "version", "_machine", "_mpy"))(
        "micropython", tuple(CONFIG["version"]), machine_name, CONFIG["mpy"]
    )
    s.platform = platform
    s.version = "3.4.0; MicroPython v%s on %s" % (release, CONFIG["date"])
    s.stdout = s.stderr = TextOut()
    if "sys.stdin.buffer" in MISSING:
        s.stdin = TextIn()
    o = shim("os", os)
    uname = namedtuple("", ("sysname", "nodename", "release", "version", "machine"))(
        platform, platform, release, "v%s on %s" % (release, CONFIG["date"]), machine_name
    )
    o.uname = lambda: uname
    shim("micropython", micropython).kbd_intr = lambda c: hw(HW_INTR, c) and None
    m = shim("machine", machine)
    m.reset, m.soft_reset, m.WDT = reset, soft_reset, WDT
    m.PWRON_RESET, m.HARD_RESET, m.WDT_RESET, m.DEEPSLEEP_RESET, m.SOFT_RESET = 1, 2, 3, 4, 5
    m.reset_cause = lambda: CONFIG["reset_cause"]
    m.unique_id = lambda: binascii.unhexlify(CONFIG["serial"])
    v = shim("vfs", vfs)
    if CONFIG["romfs"]:
        v.rom_ioctl = rom_ioctl
    for name in [m.split(".")[0] for m in MISSING if "." in m]:
        if name not in sys_real.modules:
            shim(name, __import__(name))
    hide([m for m in MISSING if "." not in m])

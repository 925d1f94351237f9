# The firmware of the simulated board: what a board's C code does around the
# MicroPython VM, written for the unix port, which has no raw REPL and no
# rom_ioctl. Go (interpreter_linux.go) is the hardware: it owns the serial link, the
# flash and the power switch, and answers the calls that hw() makes.
#
#   fd 0     bytes from the host, as the receive ring holds them
#   fd 1     text to the host; the hardware turns "\n" into "\r\n"
#   fd 3, 4  hardware calls and their results
#
# The names and texts of the REPL follow shared/runtime/pyexec.c, those of the
# boot sequence py/runtime.c and extmod/vfs.c of MicroPython.

import sys, os, io, gc, vfs, ffi, json, struct, select, uctypes, builtins, binascii, machine, micropython
from collections import namedtuple

with open(sys.argv[1]) as f:  # an argument may have 255 bytes only
    CONFIG = json.load(f)

# ---------------------------------------------------------------- hardware calls

(HW_TX, HW_INTR, HW_ROM, HW_BLOCKS, HW_TRACE, HW_RESET, HW_WDT, HW_UNREAD, HW_ABORTED, HW_SOURCE, HW_UP) = range(1, 12)

libc = ffi.open(None)
c_read = libc.func("l", "read", "iPL")
c_memchr = libc.func("P", "memchr", "PiL")
c_sigmask = libc.func("i", "pthread_sigmask", "iPP")
c_sigwait = libc.func("i", "sigtimedwait", "PPP")
c_raise = libc.func("i", "raise", "i")
c_signal = libc.func("P", "signal", "iC")
c_alarm = libc.func("I", "ualarm", "II")
c_open = libc.func("i", "open", "sii")
c_mmap = libc.func("P", "mmap", "PLiiil")
c_exit = libc.func("v", "_exit", "i")

SIGINT, SIGUSR2, SIGALRM = 2, 12, 14
SIG_BLOCK, SIG_UNBLOCK = 0, 1


def sigset(*signals):
    s = bytearray(128)
    for n in signals:
        s[(n - 1) // 8] |= 1 << (n - 1) % 8
    return s


ONLY_INT = sigset(SIGINT)
INTERRUPTS = sigset(SIGINT, SIGUSR2, SIGALRM)
ZERO_TIME = bytearray(16)
request = bytearray(24)
reply = bytearray(4)
old_mask = bytearray(128)
to_hw = open(3, "wb")
from_hw = open(4, "rb")


def hw(op, a=0, b=0, c=0, d=0, data=b""):
    # Like a C function of a real port this runs whole: Ctrl-C waits until it
    # returns, so that a call and its result never come apart.
    struct.pack_into("<IiiiiI", request, 0, op, a, b, c, d, len(data))
    c_sigmask(SIG_BLOCK, INTERRUPTS, old_mask)
    to_hw.write(request)
    to_hw.write(data)
    from_hw.readinto(reply)
    c_sigmask(2, old_mask, None)
    return struct.unpack_from("<i", reply)[0]


# ---------------------------------------------------------------- Ctrl-C
#
# The unix port raises KeyboardInterrupt right in the signal handler, wherever
# the program stands; inside the garbage collector that leaves the heap locked
# for good. So the hardware sends SIGUSR2, and its handler lets SIGINT through
# only when an allocation would succeed, and otherwise tries again shortly.

retries = 0


def on_interrupt(sig):
    # Runs as an interrupt handler: ffi has locked the heap.
    global retries
    micropython.heap_unlock()
    try:
        bytearray(1)
        retries = 0
    except MemoryError:
        retries += 1
    micropython.heap_lock()
    if 0 < retries < 100:
        c_alarm(100, 0)
    else:
        retries = 0
        c_sigmask(SIG_BLOCK, ONLY_INT, None)
        c_raise(SIGINT)  # delivered when this handler returns and the mask is back


c_sigmask(SIG_BLOCK, INTERRUPTS, None)
interrupt_callback = ffi.callback("v", on_interrupt, "i", lock=True)
c_signal(SIGUSR2, interrupt_callback)
c_signal(SIGALRM, interrupt_callback)


def disarm():
    # Back to where Ctrl-C is an ordinary character; true if one was still pending.
    c_sigmask(SIG_BLOCK, INTERRUPTS, None)
    hw(HW_INTR, -1)
    c_alarm(0, 0)
    pending = False
    while c_sigwait(INTERRUPTS, None, ZERO_TIME) > 0:
        pending = True
    return pending


def run(code, scope):
    # Runs code that Ctrl-C may interrupt; returns the exception that ended it, or None.
    error = None
    try:
        try:
            hw(HW_INTR, 3)
            c_sigmask(SIG_UNBLOCK, INTERRUPTS, None)
            exec(code, scope)
        except BaseException as e:
            error = e
        if disarm() and error is None:
            error = KeyboardInterrupt()
    except KeyboardInterrupt as e:
        disarm()
        error = e
    return error


def show(error):
    # The hardware drops this file's own frames from the traceback in between.
    hw(HW_TRACE, 1)
    sys_real.print_exception(error)
    hw(HW_TRACE, 0)


# ---------------------------------------------------------------- input and output

ROOM = 1 << 20  # source code is kept here, outside the heap, as boards parse it from a stream
SOURCE = c_mmap(0, ROOM, 3, 0x22, -1, 0)
source = memoryview(uctypes.bytearray_at(SOURCE, ROOM))


def tx(data):
    hw(HW_TX, data=data)


def fill(n, most):
    # Reads at least one byte and at most that many to offset n; returns the new end.
    if n + most > ROOM:
        raise MemoryError
    while True:
        k = c_read(0, SOURCE + n, most)
        if k > 0:
            return n + k
        if k == 0:
            c_exit(0)  # the hardware is gone


def find(start, end, chars):
    # Offset of the first of chars in source[start:end], or -1.
    first = -1
    for c in chars:
        p = c_memchr(SOURCE + start, c, end - start)
        if p:
            end = first = p - SOURCE
            if first == start:
                break
    return first


def read_until(n, most, chars):
    # Reads on at offset n until one of chars; returns (end, char), or (end, -1) after most bytes.
    end = fill(n, most)
    at = find(n, end, chars)
    if at < 0:
        return end, -1
    c = source[at]
    if at + 1 < end:
        hw(HW_UNREAD, data=source[at + 1 : end])
    return at, c


def getc():
    fill(ROOM - 1, 1)
    return source[ROOM - 1]


# ---------------------------------------------------------------- what user code sees

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


# ---------------------------------------------------------------- ROM partitions

PAGE = 4096


def map_flash():
    # Each partition at its address on the board, where that is free here too.
    fd = c_open(CONFIG["flash"], 0, 0)
    return [c_mmap(p["base"], p["size"], 1, 1, fd, p["offset"]) if p["size"] else 0 for p in CONFIG["partitions"]]


def view(id):
    return memoryview(uctypes.bytearray_at(BASES[id], CONFIG["partitions"][id]["size"]))


class NarrowView(memoryview):
    # A segment as a 32-bit build has it: slices that begin at 16 MiB or beyond do not work.
    def __init__(self, whole):
        self.whole = whole
        super().__init__(whole)

    def __getitem__(self, i):
        if isinstance(i, slice) and (i.start or 0) >= 1 << 24:
            raise OverflowError("memoryview offset too large")
        return self.whole[i]


class BlockDevice(memoryview):
    # A segment that is written by whole blocks, as rp2, esp32, mimxrt and nrf
    # have it. As a buffer it is the mapped flash, like their objects.
    def __init__(self, id):
        p = CONFIG["partitions"][id]
        self.id, self.erase = id, p["erase"]
        self.whole = view(id)
        super().__init__(self.whole)

    def ioctl(self, op, arg):
        return result(hw(HW_BLOCKS, self.id, op, arg))

    def readblocks(self, n, buf, off=0):
        a = n * self.erase + off
        memoryview(buf)[:] = self.whole[a : a + len(buf)]

    def writeblocks(self, n, buf, off=None):
        check_source(buf)
        return result(hw(HW_BLOCKS, self.id, 100 if off is None else 101, n, off or 0, data=buf))


def result(r):
    if r == -1001:
        raise OSError(5)
    return None if r == -1000 else r


def check_source(buf):
    # Tells the hardware when a buffer lies in flash itself: most drivers fault on that.
    a = uctypes.addressof(buf)
    for base, p in zip(BASES, CONFIG["partitions"]):
        if base <= a < base + p["size"]:
            hw(HW_SOURCE)


def rom_ioctl(op, id=0, *args):
    if op == 4:
        off, buf = args
        check_source(buf)
        return hw(HW_ROM, 4, id, off, -1, data=buf)
    r = hw(HW_ROM, op, id, args[0] if args else 0, args[1] if len(args) > 1 else -1)
    if op != 2 or r < 0:
        return r
    if CONFIG["partitions"][r]["blockdev"]:
        return BlockDevice(r)
    return NarrowView(view(r)) if CONFIG["narrow"] else view(r)


def mount_romfs():
    # mp_vfs_mount_romfs_protected: segment 0 only, every exception swallowed.
    try:
        if CONFIG["romfs"]:
            vfs.mount(vfs.VfsRom(rom_ioctl(2, 0)), "/rom")
            sys_real.path.append("/rom")
            sys_real.path.append("/rom/lib")
    except Exception:
        pass


# ---------------------------------------------------------------- REPL

BANNER = "MicroPython v%s on %s; %s\nType \"help()\" for more information.\n" % (CONFIG["release"], CONFIG["date"], CONFIG["machine"])
scope = {"__name__": "__main__"}


def execute(code, eof):
    # Runs a command; with eof, in the form of the raw REPL: output, \x04, error, \x04.
    error = run(code, scope)
    if eof:
        tx(b"\x04")
    if isinstance(error, SystemExit):
        hw(HW_RESET, 1 if eof else 0)
    if error is not None:
        show(error)
    if eof:
        tx(b"\x04")


def abort_paste():
    # The parser ran out of memory: the host is told, and what it still sends up to its \x04 is thrown away.
    tx(b"\x04")
    while True:
        _, c = read_until(0, 256, b"\x03\x04")
        if c >= 0:
            break
    tx(b"\x04")
    show(MemoryError("memory allocation failed, allocating 1024 bytes"))
    tx(b"\x04")


def raw_paste():
    window = CONFIG["paste"]
    if window == 0:
        tx(b"R\x00")
        return
    tx(b"R\x01")
    tx(bytes((window & 255, window >> 8, 1)))
    n, left = 0, window
    while True:
        end, c = read_until(n, left, b"\x03\x04")
        if c >= 0:
            tx(b"\x04")
            if c == 3:
                tx(b"\x04")
                show(KeyboardInterrupt())
                tx(b"\x04")
            else:
                execute(source[:end], True)
            return
        left -= end - n
        n = end
        if 0 < CONFIG["abort_paste"] < n:
            CONFIG["abort_paste"] = 0
            hw(HW_ABORTED)
            return abort_paste()
        if 0 < CONFIG["max_paste"] < n:
            return abort_paste()
        if left == 0:
            tx(b"\x01")
            left = window


def raw_repl():
    # Until Ctrl-B.
    tx(b"raw REPL; CTRL-B to exit\r\n>")
    n = 0
    while True:
        n, c = read_until(n, 256, b"\x01\x02\x03\x04")
        if c == 1:
            if n == 2 and source[0] == 5 and CONFIG["paste"] >= 0:
                if source[1] == 65:
                    raw_paste()
                else:
                    tx(b"R\x00")
                tx(b">")
            else:
                tx(b"raw REPL; CTRL-B to exit\r\n>")
            n = 0
        elif c == 2:
            tx(b"\r\n")
            return
        elif c == 3:
            n = 0
        elif c == 4:
            tx(b"OK")
            if n == 0:
                tx(b"\r\n")
                hw(HW_RESET, 1)
            execute(source[:n], True)
            tx(b">")
            n = 0


def incomplete(text):
    # Whether the REPL should ask for another line (py/repl.c, mp_repl_continue_with_input).
    depth, quote, i = 0, "", 0
    while i < len(text):
        c = text[i]
        if quote:
            if c == "\\":
                i += 1
            elif text[i : i + len(quote)] == quote:
                i += len(quote) - 1
                quote = ""
        elif c in "'\"":
            quote = c * 3 if text[i : i + 3] == c * 3 else c
            i += len(quote) - 1
        elif c == "#":
            i = text.find("\n", i)
            if i < 0:
                break
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        i += 1
    if depth > 0 or len(quote) == 3 or text.endswith("\\"):
        return True
    first = text.split("\n")[0].strip().split(" ")[0].rstrip(":")
    compound = first in ("if", "while", "for", "try", "with", "def", "class", "async") or first.startswith("@")
    return compound and not text.endswith("\n")


def read_line(prompt):
    # A line with echo; returns (text, control character that ended it).
    tx(prompt)
    line = bytearray()
    while True:
        c = getc()
        if c == 13:
            tx(b"\r\n")
            try:
                return line.decode(), 13
            except UnicodeError:  # the compiler of a board takes any bytes
                return "".join(chr(c) for c in line), 13
        if c in (1, 2, 3, 4, 5) and (not line or c == 3):
            return "", c
        if c in (8, 127):
            if line:
                line = line[:-1]
                tx(b"\x08 \x08")
        elif c >= 32:
            line.append(c)
            tx(bytes((c,)))


def paste_mode():
    tx(b"\r\npaste mode; Ctrl-C to cancel, Ctrl-D to finish\r\n=== ")
    n = 0
    while True:
        c = getc()
        if c == 3:
            tx(b"\r\n")
            return
        if c == 4:
            tx(b"\r\n")
            execute(source[:n], False)
            return
        source[n] = 10 if c == 13 else c
        n += 1
        tx(b"\r\n=== " if c == 13 else bytes((c,)))


def friendly_repl():
    # Until Ctrl-A.
    tx(BANNER.replace("\n", "\r\n").encode())
    while True:
        text, c = read_line(b">>> ")
        if c == 1:
            tx(b"\r\n")
            return
        if c == 2:
            tx(b"\r\n" + BANNER.replace("\n", "\r\n").encode())
        elif c == 3:
            tx(b"\r\n")
        elif c == 4:
            tx(b"\r\n")
            hw(HW_RESET, 0)
        elif c == 5:
            paste_mode()
        else:
            while c == 13 and incomplete(text):
                more, c = read_line(b"... ")
                text += "\n" + more
            if c == 3:
                tx(b"\r\n")
            elif text.strip():
                try:
                    code = compile(text + "\n", "<stdin>", "single")
                except Exception as e:
                    show(e)
                    continue
                execute(code, False)


def run_file(name):
    try:
        os.stat(name)
    except OSError:
        return
    error = run("execfile(%r)" % name, scope)
    if isinstance(error, SystemExit):
        hw(HW_RESET, 0)
    if error is not None:
        show(error)


def mount_flash():
    # The board's own file system, a folder of the host, takes the place of the host's.
    root = vfs.VfsPosix(CONFIG["files"])
    vfs.umount("/")
    vfs.mount(root, "/flash")
    os.chdir("/flash")
    sys_real.path.append("/flash")
    sys_real.path.append("/flash/lib")


ballast = None  # a chain of what fills the heap


def occupy(size):
    # Allocates pieces of that size, then of half, and so on, until nothing is free.
    global ballast
    while size >= 32:
        try:
            ballast = (ballast, bytearray(size))
        except MemoryError:
            size //= 2


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
sys_real.path[:] = ["", ".frozen"]
install_shims()
mount_romfs()
mount_flash()
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

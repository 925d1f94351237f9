# What runs below everything else: the hardware's calls, and Ctrl-C.
#
# The firmware of the simulated board is what a board's C code does around the
# MicroPython VM, written for the unix port, which has no raw REPL and no
# rom_ioctl. Go (hardware_linux.go) is the hardware: it owns the serial link, the
# flash and the power switch, and answers the calls that hw() makes.
#
#   fd 0     bytes from the host, as the receive ring holds them
#   fd 1     text to the host; the hardware turns "\n" into "\r\n"
#   fd 3, 4  hardware calls and their results
#   fd 5     the flash, to be mapped
#
# Its files are one program: Go puts them behind each other, in the order of
# firmwareFiles. The names and texts of the REPL follow shared/runtime/pyexec.c,
# those of the boot sequence py/runtime.c and extmod/vfs.c of MicroPython.

import sys, os, io, gc, vfs, ffi, json, struct, select, uctypes, builtins, binascii, machine, micropython
from collections import namedtuple

with open(sys.argv[1]) as f:
    CONFIG = json.load(f)
del sys.modules["_simboard"]  # this program: boards have no such module

(HW_TX, HW_INTR, HW_ROM, HW_BLOCKS, HW_TRACE, HW_RESET, HW_WDT, HW_UNREAD, HW_ABORTED, HW_SOURCE, HW_UP) = range(1, 12)

libc = ffi.open(None)
c_read = libc.func("l", "read", "iPL")
c_memchr = libc.func("P", "memchr", "PiL")
c_sigmask = libc.func("i", "pthread_sigmask", "iPP")
c_sigwait = libc.func("i", "sigtimedwait", "PPP")
c_raise = libc.func("i", "raise", "i")
c_signal = libc.func("P", "signal", "iC")
c_alarm = libc.func("I", "ualarm", "II")
c_mmap = libc.func("P", "mmap", "PLiiil")
c_exit = libc.func("v", "_exit", "i")
c_getpid = libc.func("i", "getpid", "")
c_malloc = libc.func("P", "malloc", "L")
c_free = libc.func("v", "free", "P")
c_memcpy = libc.func("v", "memcpy", "PPL")
c_memmem = libc.func("P", "memmem", "PLPL")

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


# Ctrl-C.
#
# The unix port raises KeyboardInterrupt right in the signal handler, wherever
# the program stands; inside the memory manager that leaves the heap locked for
# good. So the hardware sends SIGUSR2, and its handler lets SIGINT through only
# when the memory manager is at rest, and otherwise tries again shortly.
#
# A handler may find mutexes half locked: it takes none. So it locks the heap by
# itself, which only counts, where ffi would lock the scheduler too; and it is so
# small that its own frame needs no heap.

retries = 0


def drain():
    # Forgets what interrupts are pending, and blocked; true if there was one.
    c_alarm(0, 0)
    pending = False
    while c_sigwait(INTERRUPTS, None, ZERO_TIME) > 0:
        pending = True
    return pending


def find_heap_mutex():
    # The mutex that a build with threads holds while it allocates or collects
    # garbage, as a view of its first byte, which is not 0 then; None without one.
    # No name leads to it, so it is found by what the memory of the program looks
    # like, copied by an alarm in the middle of a collection: glibc's
    # pthread_mutex_t begins with whether it is locked, how often (1 if it is
    # recursive, as it is in newer releases, else 0), and by which thread.
    try:
        import _thread
    except ImportError:
        return None
    areas, total = [], 0
    with open("/proc/self/maps") as f:
        for line in f:
            parts = line.split()
            start, end = (int(x, 16) for x in parts[0].split("-"))
            if parts[1] == "rw-p" and end - start <= 1 << 18 and (len(parts) < 6 or parts[5][0] != "["):
                areas.append((start, end - start))
                total += end - start
    copy = c_malloc(total)
    jobs, to = [], copy
    for start, size in areas:
        jobs.append((to, start, size))
        to += size

    def copy_all():
        for to, start, size in jobs:
            c_memcpy(to, start, size)

    def on_alarm(sig):
        micropython.heap_lock()
        copy_all()
        micropython.heap_unlock()

    callback = ffi.callback("v", on_alarm, "i")
    c_signal(SIGALRM, callback)
    mutex = None
    for delay in range(10, 1000, 20):
        c_alarm(delay, 0)
        for _ in range(40):
            gc.collect()
        for count in (1, 0):
            held = struct.pack("<iIi", 1, count, c_getpid())
            at = c_memmem(copy, total, held, len(held))
            for to, start, size in jobs:
                if to <= at < to + size:
                    mutex = uctypes.bytearray_at(start + at - to, 1)
        if mutex and mutex[0] == 0:
            break
        mutex = None
    c_sigmask(SIG_BLOCK, INTERRUPTS, None)
    drain()
    c_free(copy)
    return mutex


heap_mutex = find_heap_mutex()


def heap_busy():
    if heap_mutex:
        return heap_mutex[0] != 0
    micropython.heap_unlock()
    try:
        bytearray(1)
        return False
    except MemoryError:
        return True
    finally:
        micropython.heap_lock()


def interrupt():
    global retries
    retries = retries + 1 if heap_busy() else 0
    if 0 < retries < 100:
        c_alarm(100, 0)
    else:
        retries = 0
        c_sigmask(SIG_BLOCK, ONLY_INT, None)
        c_raise(SIGINT)  # delivered when the handler returns and the mask is back


def on_interrupt(sig):
    micropython.heap_lock()
    interrupt()
    micropython.heap_unlock()


c_sigmask(SIG_BLOCK, INTERRUPTS, None)
interrupt_callback = ffi.callback("v", on_interrupt, "i")
c_signal(SIGUSR2, interrupt_callback)
c_signal(SIGALRM, interrupt_callback)


def disarm():
    # Back to where Ctrl-C is an ordinary character; true if one was still pending.
    c_sigmask(SIG_BLOCK, INTERRUPTS, None)
    hw(HW_INTR, -1)
    return drain()


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

# What runs below everything else: the hardware's calls.
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
import __main__
from collections import namedtuple


def lines_of(name):
    # What takes a file by lines asks for each of its bytes; and the whole would be a
    # large piece of the heap, which the stack may still point to when the heap is filled.
    with open(name) as f:
        rest = ""
        while True:
            piece = f.read(512)
            if not piece:
                return
            lines = (rest + piece).split("\n")
            rest = lines.pop()
            for line in lines:
                yield line


with open(sys.argv[1]) as f:
    CONFIG = json.load(f)
del sys.modules["_simboard"]  # this program: boards have no such module
PAGE = 4096

(HW_TX, HW_INTR, HW_ROM, HW_BLOCKS, HW_TRACE, HW_RESET, HW_WDT, HW_UNREAD, HW_ABORTED, HW_SOURCE, HW_UP) = range(1, 12)

libc = ffi.open(None)
c_read = libc.func("l", "read", "iPL")
c_memchr = libc.func("P", "memchr", "PiL")
c_sigmask = libc.func("i", "pthread_sigmask", "iPP")
c_sigwait = libc.func("i", "sigtimedwait", "PPP")
c_raise = libc.func("i", "raise", "i")
c_signal = libc.func("P", "signal", "iC")
c_siginterrupt = libc.func("i", "siginterrupt", "ii")
c_alarm = libc.func("I", "ualarm", "II")
c_mmap = libc.func("P", "mmap", "PLiiil")
c_mprotect = libc.func("i", "mprotect", "PLi")
c_exit = libc.func("v", "_exit", "i")
c_getpid = libc.func("i", "getpid", "")
c_malloc = libc.func("P", "malloc", "L")
c_free = libc.func("v", "free", "P")
c_memcpy = libc.func("v", "memcpy", "PPL")
c_memmem = libc.func("P", "memmem", "PLPL")

SIGINT, SIGSEGV, SIGUSR2, SIGALRM = 2, 11, 12, 14
SIG_BLOCK, SIG_UNBLOCK = 0, 1


def sigset(*signals):
    s = bytearray(128)
    for n in signals:
        s[(n - 1) // 8] |= 1 << (n - 1) % 8
    return s


ONLY_INT = sigset(SIGINT)
INTERRUPTS = sigset(SIGINT, SIGUSR2, SIGALRM)
ZERO_TIME = bytearray(16)


def memory_map():
    # The program's memory, as (address, size, access, path or what it is).
    areas = []
    for line in lines_of("/proc/self/maps"):
        parts = line.split()
        start, end = (int(x, 16) for x in parts[0].split("-"))
        areas.append((start, end - start, parts[1], parts[5] if len(parts) > 5 else ""))
    return areas


MEMORY = memory_map()
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

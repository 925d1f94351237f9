# A partition that is a block device.
import vfs

_s = vfs.rom_ioctl(2, _id)


def _rd(a, n):
    b = bytearray(n)
    v = memoryview(b)
    i = 0
    while i < n:
        x = a + i
        m = x // _bs
        x %= _bs
        k = min(n - i, _bs - x)
        r = _s.readblocks(m, v[i : i + k], x)
        _ok(r, "readblocks(%d)" % m)
        i += k
    return b


def _erase(a, n):
    # Only where the host has to write a block in pieces.
    while n > 0:
        try:
            r = _s.ioctl(6, a // _bs)
        except OSError as e:
            r = e
        _ok(r, "ioctl(6, %d)" % (a // _bs))
        a += _bs
        n -= _bs


def _put(n, *a):
    try:
        r = _s.writeblocks(n, *a)
    except OSError as e:
        r = e
    _ok(r, "writeblocks(%d)" % n)


def _write(a, b):
    # One whole block without an offset erases it first, on every port.
    _put(a // _bs, b)


def _program(a, b):
    _put(a // _bs, b, a % _bs)

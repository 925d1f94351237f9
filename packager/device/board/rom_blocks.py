# A partition that is a block device.
_s = vfs.rom_ioctl(2, _id)


def _rd(a, n):
    b = bytearray(n)
    v = memoryview(b)
    i = 0
    while i < n:
        x = (a + i) % _bs
        k = min(n - i, _bs - x)
        _ok(_s.readblocks((a + i) // _bs, v[i : i + k], x), "readblocks(%d)" % ((a + i) // _bs))
        i += k
    return b


def _erase(a, n):
    raise ValueError("erase at %d" % a)


def _write(a, b):
    # One whole block without an offset erases it first, on every port.
    _ok(_s.writeblocks(a // _bs, b), "writeblocks(%d)" % (a // _bs))


def _program(a, b):
    _ok(_s.writeblocks(a // _bs, b, a % _bs), "writeblocks(%d, ..., %d)" % (a // _bs, a % _bs))

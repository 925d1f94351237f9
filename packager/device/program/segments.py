# The ROM partitions: how many, and of each its kind, size, erase unit, whether
# the chip stores it encrypted, and the first 64 bytes. The length in the header
# of an image may have any number of leading bytes 0x80: their number stands for
# them, and 64 bytes follow.
import vfs


def _seg(i):
    s = vfs.rom_ioctl(2, i)
    if isinstance(s, int):
        return "%d:e:%d" % (i, s)
    c = 0
    if hasattr(s, "ioctl"):
        n = s.ioctl(4, 0)
        e = s.ioctl(5, 0)
        if n is None or e is None or n < 0 or e < 0:
            return "%d:x:ioctl(4)=%s ioctl(5)=%s" % (i, n, e)
        n *= e
        k = "b"
        # A Partition of the esp32 port.
        c = hasattr(s, "info") and s.info()[5]

        def rd(a):
            h = bytearray(min(64, n - a, e - a % e))
            r = h and s.readblocks(a // e, h, a % e)
            if r:
                raise OSError("readblocks=%s" % r)
            return h

    else:
        n = len(s)
        k = "m"
        e = vfs.rom_ioctl(6, i) if n else 0

        def rd(a):
            return s[a : a + 64]

    try:
        h = _head(rd)
    except OSError as x:
        return "%d:x:%s" % (i, x)
    return "%d:%s:%d:%d:%s:%d" % (i, k, n, e, h, c)


def _head(rd):
    h = bytes(rd(0))
    if h[:3] != b"\xd2\xcd\x31" or h[3:] != b"\x80" * 61:
        return _hex(h)
    a = 64
    while True:
        h = bytes(rd(a))
        n = 0
        while n < len(h) and h[n] == 0x80:
            n += 1
        a += n
        if n < 64 or a > 0x10000:
            return "*%d*" % (a - 3) + _hex(bytes(rd(a)))


def _hex(b):
    return "".join("%02x" % x for x in b)


_n = vfs.rom_ioctl(1)
_s = "|".join([str(_n)] + [_seg(i) for i in range(max(1, min(_n, 8)))])
print("\n~s%s|%d~" % (_s, _chk(_s.encode())))

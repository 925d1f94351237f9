# The ROM partitions: how many, and of each its kind, size, erase unit, and the
# first _l bytes, a number that the host has set.
import vfs


def _seg(i):
    s = vfs.rom_ioctl(2, i)
    if isinstance(s, int):
        return "%d:e:%d" % (i, s)
    if hasattr(s, "ioctl"):
        n = s.ioctl(4, 0)
        b = s.ioctl(5, 0)
        if n is None or b is None or n < 0 or b < 0:
            return "%d:x:ioctl(4)=%s ioctl(5)=%s" % (i, n, b)
        h = bytearray(min(_l, n * b))
        if h:
            r = s.readblocks(0, h, 0)
            if r:
                return "%d:x:readblocks=%s" % (i, r)
        return "%d:b:%d:%d:%s" % (i, n * b, b, _hex(h))
    n = len(s)
    e = vfs.rom_ioctl(6, i) if n else 0
    return "%d:m:%d:%d:%s" % (i, n, e, _hex(s[:_l]))


def _hex(b):
    return "".join("%02x" % x for x in b)


_n = vfs.rom_ioctl(1)
_s = "|".join([str(_n)] + [_seg(i) for i in range(max(1, min(_n, 8)))])
print("\n~s%s|%d~" % (_s, _chk(_s.encode())))

# After a soft reset, as the firmware left things: whether /rom is mounted, and
# the SHA-256 of the first _n bytes of partition _id. The host has set these.
import vfs, os

try:
    _v = os.statvfs("/rom")[2]
except OSError:
    _v = -1
_m = vfs.rom_ioctl(2, _id)
if hasattr(_m, "ioctl"):
    _k = _m.ioctl(5, 0)
    _b = bytearray(_k)

    def _rd(a, n):
        _m.readblocks(a // _k, _b)
        return memoryview(_b)[:n]

elif _n > 0x1000000:
    import uctypes

    _k = 65536
    _p = uctypes.addressof(_m)

    def _rd(a, n):
        return uctypes.bytearray_at(_p + a, n)

else:
    _k = 65536

    def _rd(a, n):
        return _m[a : a + n]


_s = ""
try:
    from hashlib import sha256

    # Whoever runs a statement twice, since its answer was lost, gets the same.
    _h = sha256()
    _a = 0
    while _a < _n:
        _h.update(_rd(_a, min(_k, _n - _a)))
        _a += _k
    _s = "".join("%02x" % x for x in _h.digest())
except (ImportError, AttributeError):
    pass
_t = "%d|%s" % (_v, _s)
print("\n~a%s|%d~" % (_t, _chk(_t.encode())))

# A memory-mapped partition, written through vfs.rom_ioctl.
import vfs

_s = vfs.rom_ioctl(2, _id)
if _size > 0x1000000:
    # Slices from 16 MiB on overflow on 32-bit boards.
    import uctypes

    _at = uctypes.addressof(_s)

    def _rd(a, n):
        return uctypes.bytearray_at(_at + a, n)

else:

    def _rd(a, n):
        return _s[a : a + n]


def _erase(a, n):
    # The form with an offset only where op 6 exists: older firmware takes the
    # offset for the length.
    if _sliced:
        r = vfs.rom_ioctl(3, _id, a, n)
        _ok(r < 0 and r, "rom_ioctl(3, %d, %d, %d)" % (_id, a, n))
    elif a:
        raise ValueError("erase at %d" % a)
    else:
        r = vfs.rom_ioctl(3, _id, n)
        _ok(r < 0 and r, "rom_ioctl(3, %d, %d)" % (_id, n))
    return str(r)


def _write(a, b):
    _ok(vfs.rom_ioctl(4, _id, a, b), "rom_ioctl(4, %d, %d, ...)" % (_id, a))


_program = _write

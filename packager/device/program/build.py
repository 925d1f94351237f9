# Building and writing flash from a buffer in RAM: never from a view of flash,
# which some ports cannot read while they write. The host has made _b, the buffer.
_c = 0


def _copy(x, n):
    global _c
    while n:
        k = min(n, 512)
        _b[_c : _c + k] = _rd(x, k)
        x += k
        n -= k
        _c += k


def _flash(o, x, n):
    global _c
    if o == b"e":
        return _erase(x, n)
    if o == b"w":
        _write(x, memoryview(_b)[:n])
    elif o == b"p":
        _program(x, memoryview(_b)[:n])
    else:
        raise ValueError("operation %s" % o)
    _c = 0


def _int(d, i):
    return int.from_bytes(d[i : i + 4], "little")


# b: a sequence of operations, each a letter, x and n; 4 bytes, little-endian:
# l  n bytes follow: put them at x of the buffer
# c  copy n bytes from x of the flash to the buffer, behind the last l or c
#    since the last w or p, else to its start
# e  erase n bytes at x
# w  write the first n bytes of the buffer to x; on a block device, erase too
# p  the same without erasing
# (Functions are short, because compiling a long one takes much memory.)
def _build(d):
    global _c
    i = 0
    a = ""
    while i < len(d):
        o = d[i : i + 1]
        x = _int(d, i + 1)
        n = _int(d, i + 5)
        i += 9
        if o == b"l":
            _b[x : x + n] = memoryview(d)[i : i + n]
            i += n
            _c = x + n
        elif o == b"c":
            _copy(x, n)
        else:
            a = _flash(o, x, n) or a
    return a.encode()


_D["b"] = _build

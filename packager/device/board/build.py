# Building and writing flash from a buffer in RAM: never from a view of flash,
# which some ports cannot read while they write.
_b = bytearray(_cap)
_c = 0


# b: a sequence of operations, each a letter, x and n; 4 bytes, little-endian:
# l  n bytes follow: put them at x of the buffer
# c  copy n bytes from x of the flash to the buffer, behind the last l or c
#    since the last w or p, else to its start
# e  erase n bytes at x
# w  write the first n bytes of the buffer to x; on a block device, erase too
# p  the same without erasing
def _build(d):
    global _c
    i = 0
    a = ""
    while i < len(d):
        o = d[i : i + 1]
        x = int.from_bytes(d[i + 1 : i + 5], "little")
        n = int.from_bytes(d[i + 5 : i + 9], "little")
        i += 9
        if o == b"l":
            _b[x : x + n] = d[i : i + n]
            i += n
            _c = x + n
        elif o == b"c":
            while n:
                k = min(n, 512)
                _b[_c : _c + k] = _rd(x, k)
                x += k
                n -= k
                _c += k
        elif o == b"e":
            a = _erase(x, n)
        elif o == b"w":
            _write(x, memoryview(_b)[:n])
            _c = 0
        elif o == b"p":
            _program(x, memoryview(_b)[:n])
            _c = 0
        else:
            raise ValueError("operation %s" % o)
    return a.encode()


_D["b"] = _build

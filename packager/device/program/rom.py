# Commands on one ROM partition. Numbers in a text payload are decimal and
# separated by blanks. The host has set _id, _kind, _size and _bs, and defined
# _rd(a, n), which reads, and _H, the hash.


def _ok(r, what):
    if r not in (None, 0, False):
        raise ValueError("%s returned %s" % (what, r))


def _args(d):
    return [int(x) for x in d.split()]


def _update(h, a, n):
    m = a + n
    while a < m:
        k = min(_step, m - a)
        h.update(_rd(a, k))
        a += k


# h: digests of the pieces of d bytes from a to e, k bytes of each
def _h(d):
    a, e, p, k = _args(d)
    o = b""
    while a < e:
        h = _H()
        _update(h, a, min(p, e - a))
        o += h.digest()[:k]
        a += p
    return _b64(o)


# d: one digest over a range that may come in several commands; n = 0 ends it
def _d(d):
    global _hh
    a, n, first = _args(d)
    if first:
        _hh = _H()
    if n:
        return _update(_hh, a, n)
    b = _hh.digest()
    return _b64(b)


# r: bytes
def _r(d):
    a, n = _args(d)
    b = _rd(a, n)
    return _b64(bytes(b))


_D["h"] = _h
_D["d"] = _d
_D["r"] = _r

# The board's end of the framed link, which _main() is. The host sends nothing unasked: every
# answer is the request for the next frame, so nothing is in flight while flash
# is erased or written.
#
# A frame:   ~ type  seq:2  size:4  decoded:4  check:8  sum:2  payload
# An answer: ~ kind  seq:2  size:4  check:8  payload
# Numbers are hexadecimal. check is that of what comes before it and the payload,
# sum that of the bytes of the header. Payload bytes 1 to 5 and 16 of a frame are escaped, so
# that Ctrl-C means Ctrl-C at any time. An upper-case type is deflated.
# A frame of type "k", or with the number of the last one, only repeats the answer.
# "+" says that a frame has arrived whole. The host puts a function ck(a, b), the
# best checksum that this firmware has, in front of this program.
import sys, select

_I = sys.stdin.buffer
_O = sys.stdout.buffer
_P = select.poll()
_P.register(sys.stdin, 1)
# Commands: a frame's type, and the function that answers its payload.
_D = {"x": lambda d: exec(bytes(d), globals())}
_wb = 0
_p = b""


def _idle():
    while _P.poll(100):
        _I.read(1)


def _tell(k, s, a):
    h = "%s%02x%04x" % (k, s, len(a))
    _O.write(("\n~%s%08x" % (h, ck(h.encode(), a))).encode())
    _O.write(a)
    _O.write(b"\n")


def _body(n):
    # Pieces, so that a lost byte cannot block for longer than one time limit
    # and the few bytes with which the host fills a piece up.
    b = bytearray(n)
    v = memoryview(b)
    k = 0
    while k < n:
        if not _P.poll(1000):
            return None
        m = min(k + 64, n)
        _I.readinto(v[k:m])
        k = m
    return b


def _decode(d, n):
    if b"\x10" in d:
        for c in b"ABCDE":
            d = d.replace(b"\x10" + bytes((c,)), bytes((c - 64,)))
        d = d.replace(b"\x10P", b"\x10")
    if len(d) != n:
        from deflate import DeflateIO, RAW
        from io import BytesIO

        d = DeflateIO(BytesIO(d), RAW, _wb).read(n)
    return d


def _head():
    # The header of the next frame, or 0 after silence.
    while _P.poll(10000):
        if _I.read(1) == b"~":
            return _I.read(21)
    return 0


def _frame():
    # [type, seq, payload, decoded size], None for a damaged one, 0 for silence.
    h = _head()
    if h == 0:
        return 0
    try:
        n = int(h[3:7], 16)
        c = int(h[11:19], 16)
        # A damaged length must neither be waited for nor take all memory.
        d = _body(n) if sum(h[:19]) & 255 == int(h[19:], 16) else None
        if d is not None and ck(h[:11], d) == c:
            _O.write(b"+")
            return [chr(h[0]), int(h[1:3], 16), d, int(h[7:11], 16)]
    except ValueError:
        pass
    _idle()


def _next(s):
    # The next frame; s is the number of the last one.
    while 1:
        try:
            f = _frame()
        except MemoryError:
            _idle()
            return ["!", (s + 1) & 255, None, 0]
        if f is not None:
            return f
        _tell("?", s, b"")


def _run(f):
    # (kind, text) of the answer to a frame, which is emptied: what it carried
    # must not take memory twice.
    global _p
    n = f.pop()
    d = f.pop()
    t = f[0]
    try:
        if d is None:
            raise MemoryError
        d = _decode(d, n)
        if _p:
            d = _p + d
        if t == "a" or t == "A":
            # A part of what follows.
            _p = d
            return "=", str(len(d)).encode()
        _p = b""
        return "=", _D[t.lower()](d) or b""
    except Exception as e:
        _p = b""
        return "!", ("%s: %s" % (type(e).__name__, e)).encode()[:200]


def _serve():
    s = w = 0
    k = "="
    a = b""
    while w < 6:
        # The answer to frame s is also the request for frame s + 1.
        _tell(k, s, a)
        f = _next(s)
        if f == 0:
            w += 1
        elif f[1] != s and f[0] != "k":
            w = 0
            s = f[1]
            if f[0] == "q":
                _tell("=", s, b"")
                return
            k, a = _run(f)


def _main():
    while 1:
        try:
            try:
                _serve()
                return
            except KeyboardInterrupt:
                # Ctrl-C, or a byte that the line turned into one.
                _idle()
                return
        except KeyboardInterrupt:
            _idle()
            return

# The board's end of the framed link. The host sends nothing unasked: every
# answer is the request for the next frame, so nothing is in flight while flash
# is erased or written.
#
# A frame:   ~ type  seq:2  size:4  decoded:4  check:8  payload
# An answer: ~ kind  seq:2  size:4  check:8  payload
# Numbers are hexadecimal. Payload bytes 1 to 5 and 16 of a frame are escaped, so
# that Ctrl-C means Ctrl-C at any time. An upper-case type is deflated.
# "+" says that a frame has arrived whole. The host puts a function ck(a, b), the
# best checksum that this firmware has, in front of this program.
import sys, select

_I = sys.stdin.buffer
_O = sys.stdout.buffer
_P = select.poll()
_P.register(sys.stdin, 1)
# Commands: a frame's type, and the function that answers its payload.
_D = {"x": lambda d: exec(d, globals())}
_wb = 0


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
    return bytes(d)


def _frame():
    # (type, seq, payload, decoded size), None for a damaged one, 0 for silence.
    while 1:
        if not _P.poll(10000):
            return 0
        if _I.read(1) == b"~":
            break
    h = _I.read(19)
    try:
        n = int(h[3:7], 16)
        c = int(h[11:], 16)
        d = _body(n)
        if d is not None and ck(h[:11], d) == c:
            _O.write(b"+")
            return chr(h[0]), int(h[1:3], 16), d, int(h[7:11], 16)
    except ValueError:
        pass
    _idle()


def _serve():
    s = k = a = None
    s = 0
    k = "="
    a = b""
    w = 0
    while w < 6:
        # The answer to frame s is also the request for frame s + 1.
        _tell(k, s, a)
        f = None
        while not f:
            try:
                f = _frame()
            except MemoryError:
                _idle()
                f = None
                k = "!"
                a = b"MemoryError"
                s = (s + 1) & 255
                break
            if f == 0:
                w += 1
                break
            if f is None:
                _tell("?", s, b"")
        if not f or f[1] == s:
            continue
        w = 0
        t, s, d, n = f
        f = None
        if t == "q":
            _tell("=", s, b"")
            return
        try:
            d = _decode(d, n)
            a = _D[t.lower()](d) or b""
            k = "="
        except Exception as e:
            k = "!"
            a = ("%s: %s" % (type(e).__name__, e)).encode()[:200]
        d = None


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


_main()

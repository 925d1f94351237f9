# What the board is and what it can do, as one line of "key=value" pairs
# between markers, with a checksum (see loader.py) that tells noise from an answer.
import sys


def _have(m, a):
    try:
        return hasattr(__import__(m), a)
    except ImportError:
        return False


_i = sys.implementation
_m = sys.modules
_w = 0
try:
    import machine

    _w = machine.reset_cause() == machine.WDT_RESET
    _u = machine.unique_id().hex() if hasattr(bytes, "hex") else ""
except Exception:
    _u = ""
# Modules that boot.py took from the ROM that is about to change; "!" marks one
# that can start threads.
_l = []
for _k in _m:
    _f = getattr(_m[_k], "__file__", "")
    if _f and (_f[:5] == "/rom/" or _f[:4] == "rom/"):
        _t = "_thread"
        for _v in _m[_k].__dict__.values():
            if getattr(_v, "__name__", "") == _t:
                _k += "!"
                break
        _l.append(_k)
_s = "|".join(
    str(_x)
    for _x in (
        _i.name,
        ".".join(str(_x) for _x in _i.version[:3]),
        getattr(_i, "_machine", ""),
        getattr(_i, "_mpy", 0),
        sys.platform,
        sys.maxsize,
        int(_w),
        _u,
        ",".join(_l),
        "".join(
            "01"[_have(*_x)]
            for _x in (
                ("vfs", "rom_ioctl"),
                ("hashlib", "sha256"),
                ("deflate", "DeflateIO"),
                ("binascii", "crc32"),
                ("binascii", "b2a_base64"),
                ("select", "poll"),
                ("uctypes", "bytearray_at"),
            )
        )
        + "01"[hasattr(sys.stdin, "buffer")],
    )
)
print("\n~i%s|%d~" % (_s, _chk(_s.encode())))

# How much heap is free, and the largest free block of it. Apart from the other
# questions, whose program takes memory itself.
import gc

gc.collect()
_r = gc.mem_free() if hasattr(gc, "mem_free") else 0
_n = _r
while _n > 256:
    try:
        bytearray(_n)
        break
    except MemoryError:
        _n = _n * 7 // 8
gc.collect()
_s = "%d|%d" % (_r, _n)
print("\n~h%s|%d~" % (_s, _chk(_s.encode())))

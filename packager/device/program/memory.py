# needs: say; gives:
# How much heap is free, and the largest free block of it. Apart from the other
# questions, whose program takes memory itself.
import gc

gc.collect()
free = gc.mem_free() if hasattr(gc, "mem_free") else 0
largest = free
while largest > 256:
    try:
        bytearray(largest)
        break
    except MemoryError:
        largest = largest * 7 // 8
gc.collect()
say("h", "%d|%d" % (free, largest))

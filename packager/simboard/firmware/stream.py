# Input and output: bytes from and to the host.

ROOM = 1 << 20  # source code is kept here, outside the heap, as boards parse it from a stream
SOURCE = c_mmap(0, ROOM, 3, 0x22, -1, 0)
source = memoryview(uctypes.bytearray_at(SOURCE, ROOM))


def tx(data):
    hw(HW_TX, data=data)


def fill(n, most):
    # Reads at least one byte and at most that many to offset n; returns the new end.
    if n + most > ROOM:
        raise MemoryError
    while True:
        k = c_read(0, SOURCE + n, most)
        if k > 0:
            return n + k
        if k == 0:
            c_exit(0)  # the hardware is gone


def find(start, end, chars):
    # Offset of the first of chars in source[start:end], or -1.
    first = -1
    for c in chars:
        p = c_memchr(SOURCE + start, c, end - start)
        if p:
            end = first = p - SOURCE
            if first == start:
                break
    return first


def read_until(n, most, chars):
    # Reads on at offset n until one of chars; returns (end, char), or (end, -1) after most bytes.
    end = fill(n, most)
    at = find(n, end, chars)
    if at < 0:
        return end, -1
    c = source[at]
    if at + 1 < end:
        hw(HW_UNREAD, data=source[at + 1 : end])
    return at, c


def getc():
    fill(ROOM - 1, 1)
    return source[ROOM - 1]

# needs: built_in; gives: inflate
BytesIO = built_in("io").BytesIO
deflate = built_in("deflate")


def inflate(data, size):
    # No distance is larger than what comes out, which is how large the window has to be.
    bits = 8
    while 1 << bits < size:
        bits += 1
    return deflate.DeflateIO(BytesIO(data), deflate.RAW, bits).read(size)

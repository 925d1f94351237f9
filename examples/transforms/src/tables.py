"""Reads the tables where they lie: pairs of 16-bit numbers, the second in hundredths."""

import struct

with open(__file__.rsplit("/", 1)[0] + "/data/sine.bin", "rb") as f:
    data = memoryview(f)


def sine(degrees):
    for at in range(0, len(data), 4):
        key, value = struct.unpack_from("<hh", data, at)
        if key == degrees:
            return value / 100
    raise KeyError(degrees)


assert sine(30) == 0.5
print("sine of 30 degrees:", sine(30))

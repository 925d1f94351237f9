"""Write assets/dewpoint.bin: python3 tools/make_table.py assets/dewpoint.bin

16 rows (-20 to 55 degrees in steps of 5) of 64 little-endian int16 (humidity
0 to 100 % in 64 steps, each at its middle): hundredths of a degree by which
the dew point lies below the temperature, by the Magnus formula.
"""

import math
import struct
import sys


def spread(temperature, humidity):
    a, b = 17.62, 243.12
    x = math.log(humidity / 100) + a * temperature / (b + temperature)
    return temperature - b * x / (a - x)


with open(sys.argv[1], "wb") as f:
    for row in range(16):
        for step in range(64):
            value = spread(-20 + 5 * row, (step + 0.5) * 100 / 64)
            f.write(struct.pack("<h", round(value * 100)))

"""The dew point, from a table in the image instead of a logarithm.

The table is read where it lies, in flash, as 16-bit words: no RAM holds it.
That needs an address which is a multiple of 2 at least; the manifest asks for
16, so that a DMA channel could fetch it as well.
"""

import uctypes

from weather import resource

# What assets/dewpoint.bin holds; tools/make_table.py writes it.
_STEPS = 64  # humidity: 0 to 100 % in 64 steps
_ROWS = 16  # temperature: -20 to 55 degrees in steps of 5


class DewPoint:
    def __init__(self):
        with open(resource.path("assets/dewpoint.bin"), "rb") as f:
            address = uctypes.addressof(memoryview(f))
        if address % 16:
            raise ValueError("dewpoint.bin is not aligned to 16 bytes")
        self._table = uctypes.struct(
            address,
            {"values": (uctypes.ARRAY | 0, uctypes.INT16 | (_STEPS * _ROWS))},
            uctypes.LITTLE_ENDIAN,
        ).values

    def __call__(self, temperature, humidity):
        """Degrees at which air of this temperature and humidity in % condenses."""
        row = min(max(int((temperature + 20) / 5 + 0.5), 0), _ROWS - 1)
        step = min(max(int(humidity * _STEPS / 100), 0), _STEPS - 1)
        # The table holds hundredths below the temperature of its row.
        return temperature - self._table[row * _STEPS + step] / 100

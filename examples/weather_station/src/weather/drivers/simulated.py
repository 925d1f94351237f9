"""Weather for a desk: a front comes through, the same every time."""

from . import Reading


class Simulated:
    def __init__(self):
        self._n = 0

    def read(self):
        n = self._n
        self._n += 1
        return Reading(18.0 - 0.25 * n, 55.0 + 1.5 * n, 979.0 - 0.5 * n)

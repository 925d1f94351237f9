"""Temperatures, from the processor's own sensor where it has one."""


class Thermometer:
    def __init__(self, adc=None, offset=0):
        self._adc = adc
        self._offset = offset
        self._steps = 0

    def read(self):
        """Degrees Celsius; without a sensor a slow wave around 20."""
        if self._adc:
            return self._adc.read_u16() / 65535 * 100 + self._offset
        self._steps = (self._steps + 1) % 16
        return 20 + abs(self._steps - 8) / 4 + self._offset

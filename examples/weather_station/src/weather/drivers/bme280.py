"""Bosch BME280 on I2C. Formulas: data sheet BST-BME280-DS002, section 8.1."""

import struct
import time

from . import Reading

_CALIBRATION = const(0x88)
_CALIBRATION_HUMIDITY = const(0xE1)
_CTRL_HUMIDITY = const(0xF2)
_CTRL_MEASURE = const(0xF4)
_DATA = const(0xF7)
_FORCED_ONCE = const(0x25)  # oversampling 1 for temperature and pressure, forced mode


class BME280:
    def __init__(self, i2c, address=0x76):
        self._i2c = i2c
        self._address = address
        first = self._read(_CALIBRATION, 26)
        self._t = struct.unpack_from("<Hhh", first, 0)
        self._p = struct.unpack_from("<Hhhhhhhhh", first, 6)
        second = self._read(_CALIBRATION_HUMIDITY, 7)
        h2, h3, e4, e5, e6, h6 = struct.unpack("<hBbBbb", second)
        self._h = (first[25], h2, h3, e4 * 16 + (e5 & 0x0F), e6 * 16 + (e5 >> 4), h6)
        self._write(_CTRL_HUMIDITY, 1)

    def _read(self, register, n):
        return self._i2c.readfrom_mem(self._address, register, n)

    def _write(self, register, value):
        self._i2c.writeto_mem(self._address, register, bytes([value]))

    def read(self):
        self._write(_CTRL_MEASURE, _FORCED_ONCE)
        time.sleep_ms(10)
        raw = self._read(_DATA, 8)
        pressure = raw[0] << 12 | raw[1] << 4 | raw[2] >> 4
        temperature = raw[3] << 12 | raw[4] << 4 | raw[5] >> 4
        humidity = raw[6] << 8 | raw[7]
        fine = self._fine(temperature)
        return Reading(fine / 5120, self._humidity(humidity, fine), self._pressure(pressure, fine))

    def _fine(self, raw):
        t1, t2, t3 = self._t
        a = raw / 16384 - t1 / 1024
        b = raw / 131072 - t1 / 8192
        return a * t2 + b * b * t3

    def _pressure(self, raw, fine):
        p1, p2, p3, p4, p5, p6, p7, p8, p9 = self._p
        a = fine / 2 - 64000
        b = (a * a * p6 / 32768 + a * p5 * 2) / 4 + p4 * 65536
        c = (1 + (p3 * a * a / 524288 + p2 * a) / 524288 / 32768) * p1
        p = (1048576 - raw - b / 4096) * 6250 / c
        return (p + (p9 * p * p / 2147483648 + p * p8 / 32768 + p7) / 16) / 100

    def _humidity(self, raw, fine):
        h1, h2, h3, h4, h5, h6 = self._h
        t = fine - 76800
        h = (raw - (h4 * 64 + h5 / 16384 * t)) * (
            h2 / 65536 * (1 + h6 / 67108864 * t * (1 + h3 / 67108864 * t))
        )
        return min(max(h * (1 - h1 * h / 524288), 0), 100)

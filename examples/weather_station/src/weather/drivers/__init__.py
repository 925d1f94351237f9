"""Sensors, each with read() -> Reading."""


class Reading:
    def __init__(self, temperature, humidity, pressure):
        self.temperature = temperature  # degrees Celsius
        self.humidity = humidity  # % relative
        self.pressure = pressure  # hPa


def find(bus):
    """The sensor on this bus, or without a bus a simulated one."""
    try:
        from machine import I2C, Pin
    except ImportError:
        from .simulated import Simulated

        return Simulated()
    from .bme280 import BME280

    return BME280(I2C(bus["id"], scl=Pin(bus["scl"]), sda=Pin(bus["sda"])), bus["address"])

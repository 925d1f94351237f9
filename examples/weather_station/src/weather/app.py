"""The station itself: one measurement after another, printed as a line each."""

import time

from ring import Ring
from weather import config, drivers, forecast
from weather.dewpoint import DewPoint


def line(reading, dew_point, outlook):
    return "{:5.1f} C  {:5.1f} %  {:6.1f} hPa  dew point {:5.1f} C  {}".format(
        reading.temperature, reading.humidity, reading.pressure, dew_point, outlook
    )


class Station:
    def __init__(self, settings, sensor):
        self.sensor = sensor
        self.altitude = settings["altitude_m"]
        self.pressures = Ring(settings["history"])
        self.dew_point = DewPoint()

    def measure(self):
        reading = self.sensor.read()
        reading.pressure = forecast.at_sea_level(
            reading.pressure, reading.temperature, self.altitude
        )
        self.pressures.push(reading.pressure)
        return line(
            reading,
            self.dew_point(reading.temperature, reading.humidity),
            forecast.outlook(self.pressures),
        )


def run(measurements=None):
    """Measure for ever, or as often as asked, which tests do."""
    settings = config.load()
    station = Station(settings, drivers.find(settings["i2c"]))
    print(settings["name"])
    while measurements is None or measurements > 0:
        print(station.measure())
        if measurements is None:
            time.sleep(settings["interval_s"])
        else:
            measurements -= 1

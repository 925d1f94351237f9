"""Prints temperatures."""

from sensors.thermometer import Thermometer


def run(times=3):
    sensor = Thermometer()
    for _ in range(times):
        print("{:.1f} C".format(sensor.read()))

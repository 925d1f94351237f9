"""Keeps the last temperatures."""

from journal import Journal
from sensors.thermometer import Thermometer


def run(times=5):
    journal, sensor = Journal(3), Thermometer()
    for _ in range(times):
        journal.add("{:.1f} C".format(sensor.read()))
    for entry in journal:
        print(entry)

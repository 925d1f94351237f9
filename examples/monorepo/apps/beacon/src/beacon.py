"""Blinks for help."""

from blink import pattern


def run():
    for time in pattern("SOS"):
        print(time, end=" ")
    print()

from machine import Pin

TABLE = [n * n for n in range(100)]


class Sensor(Pin):
    pass

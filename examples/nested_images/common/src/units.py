"""What every application shares."""


def fahrenheit(celsius):
    return celsius * 9 / 5 + 32

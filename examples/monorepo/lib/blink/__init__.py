"""Blink patterns: on and off times in milliseconds."""

_MORSE = {"S": "...", "O": "---", "!": "-.-.--"}


def pattern(text):
    times = []
    for letter in text:
        for mark in _MORSE.get(letter, ""):
            times += [300 if mark == "-" else 100, 100]
    return times

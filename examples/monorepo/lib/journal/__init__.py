"""The last entries of a log, in RAM."""

from blink import pattern


class Journal:
    def __init__(self, size):
        self._size = size
        self._entries = []

    def add(self, text):
        self._entries.append(text)
        if len(self._entries) > self._size:
            self._entries.pop(0)

    def __iter__(self):
        return iter(self._entries)

    def alarm(self):
        """What a lamp shows while there is something to read."""
        return pattern("!" if self._entries else "")

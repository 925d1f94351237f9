"""A list that forgets its oldest item when it is full."""


class Ring:
    def __init__(self, size):
        self._items = []
        self._size = size

    def push(self, item):
        if len(self._items) == self._size:
            self._items.pop(0)
        self._items.append(item)

    def __len__(self):
        return len(self._items)

    def __getitem__(self, index):
        return self._items[index]

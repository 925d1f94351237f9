class Counter:
    def __init__(self):
        self.count = 0

    def add(self, n=1):
        self.count += n

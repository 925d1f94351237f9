from lib.counter import Counter

presses = Counter()
presses.add(3)
print("presses:", presses.count)

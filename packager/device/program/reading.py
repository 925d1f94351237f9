# needs: commands as_text read Hash hash_range; gives: whole
# Commands that read a partition. Numbers in a payload are decimal and
# separated by blanks.
whole = None


def numbers(data):
    return [int(number) for number in data.split()]


def digests(data):
    # h: the first bytes of the digest of each piece of a range
    at, end, piece, keep = numbers(data)
    all = b""
    while at < end:
        hash = Hash()
        hash_range(hash, at, min(piece, end - at))
        all += hash.digest()[:keep]
        at += piece
    return as_text(all)


def digest(data):
    # d: one digest over a range that may come in several commands
    global whole
    at, size, first, last = numbers(data)
    if first:
        whole = Hash()
    hash_range(whole, at, size)
    if last:
        return as_text(whole.digest())


def contents(data):
    # r: bytes
    at, size = numbers(data)
    return as_text(bytes(read(at, size)))


commands["h"] = digests
commands["d"] = digest
commands["r"] = contents

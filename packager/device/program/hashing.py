# needs: read; gives: hash_range step
step = 65536  # the host's choice: what one read takes


def hash_range(hash, at, size):
    end = at + size
    while at < end:
        size = min(step, end - at)
        hash.update(read(at, size))
        at += size

# What checks a program before it runs: raw REPL has no checksum. No modules, and
# no number that takes more than 31 bits.
def _chk(s):
    n = 1
    for c in s:
        n = (n * 31 + c) % 33554393
    return n


def _go(s, n):
    # A KeyError says that s is damaged. An if can be damaged so that it runs all.
    {n: exec}[_chk(s)](s, globals())

# What checks a program before it runs: raw REPL has no checksum. No modules, and
# no number that takes more than 31 bits. Programs have a namespace of their own:
# boot.py may have called something len, and main.py may miss what it called so.
def _sum(text):
    total = 1
    for byte in text:
        total = (total * 31 + byte) % 33554393
    return total


def _go(program, sum):
    # A KeyError says that it is damaged. An if can be damaged so that it runs all.
    {sum: exec}[_sum(program)](program, _own)


_own = globals().setdefault("_own", {})
_own["_sum"] = _sum

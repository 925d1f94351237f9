"""OpenMV's image builder, from the documented byte rules alone.

Reads a JSON list of {"tree": [[name, size, align] or [name, [children]], ...],
"dir_align": N} from stdin and prints the sha256 and size of each image, a line
each. The content of a file is a pattern of its size, see content().

The rules: varuints are big-endian base 128, and leading 0x80 bytes are filler.
The image is kind d2 cd 31 with a length that is filled until the payload starts
at 16. A file record's kind and length take 8 bytes; its name is a varuint length
and the bytes; its data record's length is filled until the data starts on a
multiple of the alignment from the image's start. A directory's length is filled
until its content starts on a multiple of dir_align. Entries come in the order
given, and nothing makes the size even.
"""

import hashlib
import json
import sys


def varuint(n, width=0):
    digits = [n % 128]
    while n >= 128:
        n //= 128
        digits.append(n % 128 + 128)
    while len(digits) < width:
        digits.append(128)
    return bytes(reversed(digits))


def content(size):
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def name_field(name):
    raw = name.encode()
    return varuint(len(raw)) + raw


def entry(item, at, dir_align):
    """The record of an item whose first byte is at offset at."""
    name = name_field(item[0])
    if isinstance(item[1], list):
        start = at
        while True:  # the length's own width decides where the content starts
            start += (-start) % dir_align
            inner = entries(item[1], start, dir_align)
            length = len(name) + len(inner)
            room = start - at - 1 - len(name)
            if room >= len(varuint(length)):
                return b"\x04" + varuint(length, room) + name + inner
            start += 1
    data = content(item[1])
    begin = at + 8 + len(name)
    least = begin + 1 + len(varuint(len(data)))
    filler = (-least) % item[2]
    payload = name + b"\x02" + varuint(len(data), filler + len(varuint(len(data)))) + data
    return b"\x05" + varuint(len(payload), 7) + payload


def entries(items, at, dir_align):
    out = b""
    for item in items:
        out += entry(item, at + len(out), dir_align)
    return out


for job in json.load(sys.stdin):
    inner = entries(job["tree"], 16, job["dir_align"])
    image = b"\xd2\xcd\x31" + varuint(len(inner), 13) + inner
    print(hashlib.sha256(image).hexdigest(), len(image))

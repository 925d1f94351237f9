# needs: say; gives:
# The ROM partitions: how many, and of each its kind, size, erase unit, the first 64 bytes,
# and whether the chip stores it encrypted. The length in the header of an image may have
# any number of leading bytes 0x80: their number stands for them, and 64 bytes follow.
import vfs


def bytes_at(segment, size, block, at):
    if not block:
        return bytes(segment[at : at + 64])
    data = bytearray(min(64, size - at, block - at % block))
    result = data and segment.readblocks(at // block, data, at % block)
    if result:
        raise OSError("readblocks=%s" % result)
    return bytes(data)


def hexadecimal(data):
    return "".join(["%02x" % byte for byte in data])


def head(segment, size, block):
    data = bytes_at(segment, size, block, 0)
    if data[:3] != b"\xd2\xcd\x31" or data[3:] != b"\x80" * 61:
        return hexadecimal(data)
    at = 64
    while 1:
        data = bytes_at(segment, size, block, at)
        count = 0
        while count < len(data) and data[count] == 0x80:
            count += 1
        at += count
        if count < 64 or at > 0x10000:
            return "*%d*%s" % (at - 3, hexadecimal(bytes_at(segment, size, block, at)))


def describe(index):
    segment = vfs.rom_ioctl(2, index)
    if isinstance(segment, int):
        return "%d:e:%d" % (index, segment)
    block = encrypted = 0
    kind = "m"
    if hasattr(segment, "ioctl"):
        kind = "b"
        count = segment.ioctl(4, 0)
        erase = block = segment.ioctl(5, 0)
        if count is None or block is None or count < 0 or block < 0:
            return "%d:x:ioctl(4)=%s ioctl(5)=%s" % (index, count, block)
        size = count * block
        # A Partition of the esp32 port.
        encrypted = hasattr(segment, "info") and segment.info()[5]
    else:
        size = len(segment)
        erase = vfs.rom_ioctl(6, index) if size else 0
    try:
        return "%d:%s:%d:%d:%s:%d" % (index, kind, size, erase, head(segment, size, block), encrypted)
    except OSError as error:
        return "%d:x:%s" % (index, error)


count = vfs.rom_ioctl(1)
say("s", "|".join([str(count)] + [describe(index) for index in range(max(1, min(count, 8)))]))

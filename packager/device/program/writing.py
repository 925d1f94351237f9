# needs: commands buffer read erase write program vfs; gives: filled
# Building and writing flash from a buffer in RAM: never from a view of flash,
# which some ports cannot read while they write.
filled = 0  # up to where the buffer holds what is written next


def copy(at, size):
    global filled
    while size:
        count = min(size, 512)
        buffer[filled : filled + count] = read(at, count)
        at += count
        size -= count
        filled += count


def change(what, at, size):
    global filled
    if what == b"e":
        return erase(at, size)
    if what == b"w":
        write(at, memoryview(buffer)[:size])
    elif what == b"p":
        program(at, memoryview(buffer)[:size])
    else:
        raise ValueError("operation %s" % what)
    filled = 0


def number(data, at):
    return int.from_bytes(data[at : at + 4], "little")


def resize(data):
    # m: another size of the buffer. The old one goes before the new one comes.
    global buffer
    buffer = None
    buffer = bytearray(int(data))


def unmount(data):
    # u: takes the file system of partition 0 out of use, if it is mounted where firmware
    # mounts it.
    try:
        vfs.umount("/rom")
    except OSError:
        pass


# b: a sequence of operations, each a letter, x and n; 4 bytes, little-endian:
# l  n bytes follow: put them at x of the buffer
# c  copy n bytes from x of the flash to the buffer, behind the last l or c
#    since the last w or p, else to its start
# e  erase n bytes at x
# w  write the first n bytes of the buffer to x; on a block device, erase too
# p  the same without erasing
# (Functions are short, because compiling a long one takes much memory.)
def build(data):
    global filled
    at = 0
    result = ""
    while at < len(data):
        what = data[at : at + 1]
        x = number(data, at + 1)
        n = number(data, at + 5)
        at += 9
        if what == b"l":
            buffer[x : x + n] = memoryview(data)[at : at + n]
            at += n
            filled = x + n
        elif what == b"c":
            copy(x, n)
        else:
            result = change(what, x, n) or result
    return result.encode()


commands["b"] = build
commands["m"] = resize
commands["u"] = unmount

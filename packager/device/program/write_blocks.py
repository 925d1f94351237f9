# needs: block_size ok segment; gives: erase write program
# Writing a partition that is a block device.
def erase(at, size):
    # Only where the host has to write a block in pieces.
    while size > 0:
        block = at // block_size
        try:
            result = segment.ioctl(6, block)
        except OSError as error:
            result = error
        ok(result, "ioctl(6, %d)" % block)
        at += block_size
        size -= block_size


def put(block, *what):
    try:
        result = segment.writeblocks(block, *what)
    except OSError as error:
        result = error
    ok(result, "writeblocks(%d)" % block)


def write(at, data):
    # One whole block without an offset erases it first, on every port.
    put(at // block_size, data)


def program(at, data):
    put(at // block_size, data, at % block_size)

# needs: partition block_size ok vfs; gives: segment read
# A partition that is a block device.
segment = vfs.rom_ioctl(2, partition)


def read(at, size):
    data = bytearray(size)
    view = memoryview(data)
    done = 0
    while done < size:
        block = (at + done) // block_size
        offset = (at + done) % block_size
        count = min(size - done, block_size - offset)
        ok(segment.readblocks(block, view[done : done + count], offset), "readblocks(%d)" % block)
        done += count
    return data

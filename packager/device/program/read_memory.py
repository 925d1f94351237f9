# needs: partition vfs; gives: segment read
# A memory-mapped partition.
segment = vfs.rom_ioctl(2, partition)


def read(at, size):
    return segment[at : at + size]

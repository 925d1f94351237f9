# needs: partition vfs; gives: segment read
# A memory-mapped partition of more than 16 MiB: slices from there on overflow on
# 32-bit boards.
import uctypes

segment = vfs.rom_ioctl(2, partition)
address = uctypes.addressof(segment)


def read(at, size):
    return uctypes.bytearray_at(address + at, size)

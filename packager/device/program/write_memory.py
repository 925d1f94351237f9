# needs: partition ok vfs; gives: erase write program sliced
# Writing a memory-mapped partition.
sliced = 0  # the host's choice: any part can be erased


def erase(at, size):
    # The form with an offset only where op 6 exists: older firmware takes the
    # offset for the length.
    if sliced:
        result = vfs.rom_ioctl(3, partition, at, size)
        ok(result < 0 and result, "rom_ioctl(3, %d, %d, %d)" % (partition, at, size))
    elif at:
        raise ValueError("erase at %d" % at)
    else:
        result = vfs.rom_ioctl(3, partition, size)
        ok(result < 0 and result, "rom_ioctl(3, %d, %d)" % (partition, size))
    return str(result)


def write(at, data):
    ok(vfs.rom_ioctl(4, partition, at, data), "rom_ioctl(4, %d, %d, ...)" % (partition, at))


program = write

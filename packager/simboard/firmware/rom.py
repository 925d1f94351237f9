# ROM partitions, as rom_ioctl gives them, and /rom.

def map_flash():
    # Each partition at its address on the board, where that is free here too.
    return [c_mmap(p["base"], p["size"], 1, 1, 5, p["offset"]) if p["size"] else 0 for p in CONFIG["partitions"]]


def view(id):
    return memoryview(uctypes.bytearray_at(BASES[id], CONFIG["partitions"][id]["size"]))


class NarrowView(memoryview):
    # A segment as a 32-bit build has it: slices that begin at 16 MiB or beyond do not work.
    def __init__(self, whole):
        self.whole = whole
        super().__init__(whole)

    def __getitem__(self, i):
        if isinstance(i, slice) and (i.start or 0) >= 1 << 24:
            raise OverflowError("memoryview offset too large")
        return self.whole[i]


class BlockDevice(memoryview):
    # A segment that is written by whole blocks, as rp2, esp32, mimxrt and nrf
    # have it. As a buffer it is the mapped flash, like their objects.
    def __init__(self, id):
        p = CONFIG["partitions"][id]
        self.id, self.erase = id, p["erase"]
        self.whole = view(id)
        super().__init__(self.whole)

    def ioctl(self, op, arg):
        return result(hw(HW_BLOCKS, self.id, op, arg))

    def readblocks(self, n, buf, off=0):
        a = n * self.erase + off
        memoryview(buf)[:] = self.whole[a : a + len(buf)]

    def writeblocks(self, n, buf, off=None):
        check_source(buf)
        return result(hw(HW_BLOCKS, self.id, 100 if off is None else 101, n, off or 0, data=buf))


class Partition(BlockDevice):
    # That of the esp32 port.
    def info(self):
        return tuple(CONFIG["partitions"][self.id]["info"])


def result(r):
    if r == -1001:
        raise OSError(5)
    return None if r == -1000 else r


def check_source(buf):
    # Tells the hardware when a buffer lies in a partition's flash itself: some drivers fault on that.
    a = uctypes.addressof(buf)
    for i, p in enumerate(CONFIG["partitions"]):
        if BASES[i] <= a < BASES[i] + p["size"]:
            hw(HW_SOURCE, i)


def rom_ioctl(op, id=0, *args):
    if op == 4:
        off, buf = args
        check_source(buf)
        return hw(HW_ROM, 4 | 1 << 8, id, off, data=buf)
    # The hardware learns how many arguments there are: drivers look at that.
    r = hw(HW_ROM, op | len(args) << 8, id, args[0] if args else 0, args[1] if len(args) > 1 else 0)
    if op != 2 or r < 0:
        return r
    p = CONFIG["partitions"][r]
    if p["blockdev"]:
        return Partition(r) if p["info"] else BlockDevice(r)
    return NarrowView(view(r)) if CONFIG["narrow"] else view(r)


def extend_path(root):
    # What a mounted file system adds to sys.path.
    sys.path.extend(p for p in CONFIG["path"] if p == root or p.startswith(root + "/"))


def mount_romfs():
    # mp_vfs_mount_romfs_protected: segment 0 only, every exception swallowed.
    try:
        if CONFIG["romfs"]:
            vfs.mount(vfs.VfsRom(rom_ioctl(2, 0)), "/rom")
            extend_path("/rom")
    except Exception:
        pass

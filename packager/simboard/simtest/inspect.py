# Looks at ROMFS partitions with MicroPython's own driver, for package simboard.
#
# Each line of input is a JSON list [path, offset, size] of a partition in a
# file; each line of output is what VfsRom finds there.

import sys, ffi, json, vfs, hashlib, binascii, uctypes

libc = ffi.open(None)
c_open = libc.func("i", "open", "sii")
c_close = libc.func("i", "close", "i")
c_mmap = libc.func("P", "mmap", "PLiiil")
c_munmap = libc.func("i", "munmap", "PL")

PAGE = 65536


def walk(fs, path, files):
    for name, kind, _, _ in fs.ilistdir(path):
        full = path + "/" + name if path else name
        if kind == 0x4000:
            walk(fs, full, files)
        else:
            with fs.open(full, "rb") as f:
                files[full] = binascii.hexlify(hashlib.sha256(memoryview(f)).digest()).decode()


def inspect(path, offset, size):
    fd = c_open(path, 0, 0)
    if fd < 0:
        return {"error": "cannot open " + path}
    skip = offset % PAGE
    base = c_mmap(0, size + skip, 1, 1, fd, offset - skip)
    c_close(fd)
    try:
        fs = vfs.VfsRom(memoryview(uctypes.bytearray_at(base + skip, size)))
    except OSError:
        c_munmap(base, size + skip)
        return {"mounted": False}
    files = {}
    result = {"mounted": True, "files": files}
    try:
        walk(fs, "", files)
    except Exception as e:
        result["error"] = repr(e)
    c_munmap(base, size + skip)
    return result


while True:
    line = sys.stdin.readline()
    if not line:
        break
    print(json.dumps(inspect(*json.loads(line))))

# Runs under MicroPython. Reads cases as JSON lines from the file given, from one
# line number to before another, and prints for each what the VfsRom driver makes of it,
# as one JSON line:
#   case:   {"image": hex or {"file": path}, "paths": [path, ...], "align": n}
#   result: {"mount": errno or 0, "list": {path: fact}, "paths": {path: fact}}
# where a fact is [kind, size, offset in the image, SHA-256], or an errno.
import sys, json, vfs, uctypes, hashlib, binascii

MAX_ENTRIES = 5000
DIR = 0x4000


def fact(rom, base, path):
    try:
        mode = rom.stat(path)
        if mode[0] == DIR:
            return ["d", mode[6], 0, ""]
        with rom.open(path, "rb") as f:
            m = memoryview(f)
            if mode[6] < 0 or mode[6] > 1 << 26:
                return ["f", mode[6], uctypes.addressof(m) - base, "huge"]
            if len(m) != mode[6]:
                return ["f", mode[6], -1, "stat and open differ"]
            # The two ways to read must agree: a view of the ROM, and a copy.
            data = f.read()
            if data != bytes(m):
                return ["f", mode[6], -1, "view and read differ"]
            digest = hashlib.sha256(data).digest()
            offset = uctypes.addressof(m) - base if len(m) else 0
            return ["f", mode[6], offset, binascii.hexlify(digest).decode()]
    except OSError as e:
        return e.errno
    except (MemoryError, OverflowError, ValueError, UnicodeError) as e:
        return repr(e)


def walk(rom, base):
    found = {}
    todo = [""]
    while todo:
        prefix = todo.pop()
        try:
            entries = list(rom.ilistdir(prefix.encode()))
        except OSError as e:
            found[prefix] = e.errno
            continue
        for name, kind, _, size in entries:
            try:
                path = prefix + "/" + name.decode()
            except UnicodeError:
                continue
            if path in found or len(found) > MAX_ENTRIES or len(path) > 2000:
                continue
            found[path] = fact(rom, base, path)
            if kind == DIR and b"/" not in name and name:
                todo.append(path)
    return found


def load(image, align):
    if isinstance(image, dict):
        with open(image["file"], "rb") as f:
            data = f.read()
    else:
        data = binascii.unhexlify(image)
    # The partition's base is aligned on a board.
    room = bytearray(len(data) + align)
    start = -uctypes.addressof(room) % align
    m = memoryview(room)[start : start + len(data)]
    m[:] = data
    return m


def run(case):
    m = load(case["image"], case.get("align") or 1)
    try:
        rom = vfs.VfsRom(m)
    except OSError as e:
        return {"mount": e.errno}
    base = uctypes.addressof(m)
    return {
        "mount": 0,
        "list": walk(rom, base),
        "paths": {p: fact(rom, base, p) for p in case.get("paths") or []},
    }


with open(sys.argv[1]) as f:
    for number, line in enumerate(f):
        if int(sys.argv[2]) <= number < int(sys.argv[3]):
            print(json.dumps(run(json.loads(line))))

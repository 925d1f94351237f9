# needs: built_in sys payload say; gives:
# What the board is and what it can do.
watchdog = 0
unique = ""
try:
    machine = built_in("machine")
    watchdog = machine.reset_cause() == machine.WDT_RESET
    unique = machine.unique_id().hex()
except Exception:
    pass
# Modules that boot.py took from the ROM that is about to change; "!" marks one
# that can start threads.
from_rom = {}
for name in sys.modules:
    module = sys.modules[name]
    file = getattr(module, "__file__", "")
    if file[:5] == "/rom/" or file[:4] == "rom/":
        thread = "_thread"
        for value in module.__dict__.values():
            if getattr(value, "__name__", "") == thread:
                name += "!"
                break
        from_rom[name] = 1
this = sys.implementation
say(
    "i",
    "|".join(
        [
            str(each)
            for each in (
                this.name,
                ".".join([str(number) for number in this.version[:3]]),
                getattr(this, "_machine", ""),
                getattr(this, "_mpy", 0),
                sys.platform,
                sys.maxsize,
                int(watchdog),
                unique,
                ",".join(sorted(from_rom)),
                payload,
                "".join(
                    [
                        "01"[hasattr(built_in(name), feature)]
                        for name, feature in (
                            ("vfs", "rom_ioctl"),
                            ("hashlib", "sha256"),
                            ("deflate", "DeflateIO"),
                            ("binascii", "crc32"),
                            ("binascii", "b2a_base64"),
                            ("select", "poll"),
                            ("uctypes", "bytearray_at"),
                        )
                    ]
                )
                + "01"[hasattr(sys.stdin, "buffer")],
            )
        ]
    ),
)

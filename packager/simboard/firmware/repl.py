# The friendly and the raw REPL.

BANNER = "MicroPython v%s on %s; %s\nType \"help()\" for more information.\n" % (CONFIG["release"], CONFIG["date"], CONFIG["machine"])

# The REPL's namespace is that of __main__, which has nothing of this program.
scope = __main__.__dict__
for name in list(scope):
    if name != "__name__":
        del scope[name]


def leave(raw):
    # What a SystemExit ends in: the soft reset of this REPL mode.
    hw(HW_RESET, 1 if raw else 0)



def execute(code, eof):
    # Runs a command; with eof, in the form of the raw REPL: output, \x04, error, \x04.
    # A SystemExit is no error text, but the host gets both ends before the reset
    # (shared/runtime/pyexec.c, parse_compile_execute).
    error = run(code, scope)
    exits = isinstance(error, SystemExit)
    if eof:
        tx(b"\x04")
    if error is not None and not exits:
        show(error)
    if eof:
        tx(b"\x04")
    if exits:
        leave(eof)


def abort_paste():
    # The parser ran out of memory: the host is told, and what it still sends up to its \x04 is thrown away.
    tx(b"\x04")
    while True:
        _, c = read_until(0, 256, b"\x03\x04")
        if c >= 0:
            break
    tx(b"\x04")
    show(MemoryError("memory allocation failed, allocating 1024 bytes"))
    tx(b"\x04")


def raw_paste():
    window = CONFIG["paste"]
    if window == 0:
        tx(b"R\x00")
        return
    tx(b"R\x01")
    tx(bytes((window & 255, window >> 8, 1)))
    n, left = 0, window
    while True:
        end, c = read_until(n, left, b"\x03\x04")
        if c >= 0:
            tx(b"\x04")
            if c == 3:
                tx(b"\x04")
                show(KeyboardInterrupt())
                tx(b"\x04")
            else:
                execute(source[:end], True)
            return
        left -= end - n
        n = end
        if 0 < CONFIG["abort_paste"] < n:
            CONFIG["abort_paste"] = 0
            hw(HW_ABORTED)
            return abort_paste()
        if 0 < CONFIG["max_paste"] < n:
            return abort_paste()
        if left == 0:
            tx(b"\x01")
            left = window


def raw_repl():
    # Until Ctrl-B.
    tx(b"raw REPL; CTRL-B to exit\r\n>")
    n = 0
    while True:
        n, c = read_until(n, 256, b"\x01\x02\x03\x04")
        if c == 1:
            if n == 2 and source[0] == 5 and CONFIG["paste"] >= 0:
                if source[1] == 65:
                    raw_paste()
                else:
                    tx(b"R\x00")
                tx(b">")
            else:
                tx(b"raw REPL; CTRL-B to exit\r\n>")
            n = 0
        elif c == 2:
            tx(b"\r\n")
            return
        elif c == 3:
            n = 0
        elif c == 4:
            tx(b"OK")
            if n == 0:
                tx(b"\r\n")
                leave(True)
            execute(source[:n], True)
            tx(b">")
            n = 0


def incomplete(text):
    # Whether the REPL should ask for another line (py/repl.c, mp_repl_continue_with_input).
    depth, quote, i = 0, "", 0
    while i < len(text):
        c = text[i]
        if quote:
            if c == "\\":
                i += 1
            elif text[i : i + len(quote)] == quote:
                i += len(quote) - 1
                quote = ""
        elif c in "'\"":
            quote = c * 3 if text[i : i + 3] == c * 3 else c
            i += len(quote) - 1
        elif c == "#":
            i = text.find("\n", i)
            if i < 0:
                break
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        i += 1
    if depth > 0 or len(quote) == 3 or text.endswith("\\"):
        return True
    first = text.split("\n")[0].strip().split(" ")[0].rstrip(":")
    compound = first in ("if", "while", "for", "try", "with", "def", "class", "async") or first.startswith("@")
    return compound and not text.endswith("\n")


def read_line(prompt):
    # A line with echo; returns (text, control character that ended it).
    tx(prompt)
    line = bytearray()
    while True:
        c = getc()
        if c == 13:
            tx(b"\r\n")
            try:
                return line.decode(), 13
            except UnicodeError:  # the compiler of a board takes any bytes
                return "".join(chr(c) for c in line), 13
        if c in (1, 2, 3, 4, 5) and (not line or c == 3):
            return "", c
        if c in (8, 127):
            if line:
                line = line[:-1]
                tx(b"\x08 \x08")
        elif c >= 32:
            line.append(c)
            tx(bytes((c,)))


def paste_mode():
    tx(b"\r\npaste mode; Ctrl-C to cancel, Ctrl-D to finish\r\n=== ")
    n = 0
    while True:
        c = getc()
        if c == 3:
            tx(b"\r\n")
            return
        if c == 4:
            tx(b"\r\n")
            execute(source[:n], False)
            return
        source[n] = 10 if c == 13 else c
        n += 1
        tx(b"\r\n=== " if c == 13 else bytes((c,)))


def friendly_repl():
    # Until Ctrl-A.
    tx(BANNER.replace("\n", "\r\n").encode())
    while True:
        text, c = read_line(b">>> ")
        if c == 1:
            tx(b"\r\n")
            return
        if c == 2:
            tx(b"\r\n" + BANNER.replace("\n", "\r\n").encode())
        elif c == 3:
            tx(b"\r\n")
        elif c == 4:
            tx(b"\r\n")
            leave(False)
        elif c == 5:
            paste_mode()
        else:
            while c == 13 and incomplete(text):
                more, c = read_line(b"... ")
                text += "\n" + more
            if c == 3:
                tx(b"\r\n")
            elif text.strip():
                try:
                    code = compile(text + "\n", "<stdin>", "single")
                except Exception as e:
                    show(e)
                    continue
                execute(code, False)

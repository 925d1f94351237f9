# needs: built_in sys check inflate; gives: commands _main
# The board's end of the framed link, which _main() is. The host sends nothing unasked: every
# answer is the request for the next frame, so nothing is in flight while flash
# is erased or written.
#
# A frame:   ~ type  number:2  size:4  decoded:4  check:8  sum:2  payload
# An answer: ~ kind  number:2  size:4  check:8  payload
# Numbers are hexadecimal. check is that of what comes before it and the payload,
# sum that of the bytes of the header. Payload bytes 1 to 5 and 16 of a frame are escaped, so
# that Ctrl-C means Ctrl-C at any time. One whose size is not the decoded size is deflated.
#
#   a  a part of what follows
#   k  only repeats the answer, as does a frame with the number of the last one
#   x  a program to run
#   any other: a command
#
# "+" and its number say that a frame has arrived whole. The kinds of answer:
#
#   =  done
#   !  an exception
#   ?  the frame after this number was damaged
#   m  it takes more memory than there is, and was not taken
poll = built_in("select").poll()
poll.register(sys.stdin, 1)
machine = built_in("machine")
source = sys.stdin.buffer
sink = sys.stdout.buffer
part = b""


def run_program(data):
    exec(bytes(data), globals())


# A frame's type, and the function that answers its payload.
commands = {"x": run_program}


def quiet():
    # Reads until the host is silent.
    while poll.poll(100):
        source.read(1)


def tell(kind, number, text):
    head = "%s%02x%04x" % (kind, number, len(text))
    sink.write(("\n~%s%08x" % (head, check(head.encode(), text))).encode())
    sink.write(text)
    sink.write(b"\n")


def read_payload(size):
    # Pieces, so that a lost byte cannot block for longer than one time limit
    # and the few bytes with which the host fills a piece up. They end where USB's packets do, and
    # what a host writes at once: one that is killed between two is not waited for.
    data = bytearray(size)
    view = memoryview(data)
    at = 0
    while at < size:
        if not poll.poll(1000):
            return None
        end = min(at + 64 - (at + 22) % 64, size)
        source.readinto(view[at:end])
        at = end
    return data


def decode(data, size):
    # The payload of a frame, behind the parts that came before it.
    if b"\x10" in data:
        for byte in b"ABCDE":
            data = data.replace(b"\x10" + bytes((byte,)), bytes((byte - 64,)))
        data = data.replace(b"\x10P", b"\x10")
    if len(data) != size:
        data = inflate(data, size)
    if part:
        data = part + data
    return data


def read_head():
    # The header of the next frame, or None after silence.
    while poll.poll(10000):
        if source.read(1) == b"~":
            return source.read(21)


def frame_of(head):
    # The frame that a header begins, None for a damaged one. A damaged length must neither be
    # waited for nor take all memory.
    if sum(head[:19]) & 255 != int(head[19:], 16):
        return None
    data = read_payload(int(head[3:7], 16))
    if data is None or check(head[:11], data) != int(head[11:19], 16):
        return None
    sink.write(b"+" + head[1:3])
    return [chr(head[0]), int(head[1:3], 16), decode(data, int(head[7:11], 16))]


def read_frame():
    # [type, number, payload]; None after silence, the kind of answer to one that was not taken.
    head = read_head()
    # The second is what a host sends that knows nothing of the program that it finds running.
    if not head or head == b"leave the program now":
        return head and ["q", 0, b""]
    kind = "?"
    try:
        frame = frame_of(head)
        if frame:
            return frame
    except ValueError:
        pass
    except MemoryError:
        kind = "m"
    quiet()
    return kind


def answer(frame):
    # (kind, text) of the answer to a frame, which is emptied: what it carried
    # must not take memory twice.
    global part
    data = frame.pop()
    kind = frame[0]
    try:
        if kind == "a":
            part = data
            return "=", str(len(data)).encode()
        part = b""
        return "=", commands[kind](data) or b""
    except Exception as error:
        part = b""
        return "!", ("%s: %s" % (type(error).__name__, error)).encode()[:200]


def serve():
    number = silences = 0
    kind = "="
    text = b""
    while silences < 6:
        # The answer to a frame is also the request for the next one.
        tell(kind, number, text)
        frame = read_frame()
        while isinstance(frame, str):
            tell(frame, number, b"")
            frame = read_frame()
        if not frame:
            silences += 1
        elif frame[0] == "q":
            return
        elif frame[1] != number and frame[0] != "k":
            silences = 0
            number = frame[1]
            kind, text = answer(frame)
    abandoned()


def abandoned():
    # The host is gone. Raw REPL outlasts a soft reset, a hard one leads to main.py.
    if hasattr(machine, "reset"):
        machine.reset()
    raise SystemExit


def _main():
    # Ctrl-C, or a byte that the line turned into one, ends it.
    while 1:
        try:
            try:
                serve()
                return
            except KeyboardInterrupt:
                quiet()
                return
        except KeyboardInterrupt:
            quiet()
            return

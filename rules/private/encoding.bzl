"""Names beyond ASCII, which Bazels take for bytes or for text."""

_ASCII = "".join([json.decode('"\\u00%s%x"' % (high, low)) for high in ("0", "1", "2", "3", "4", "5", "6", "7") for low in range(16)])

# The characters U+0080 to U+00FF: Bazel writes each as the byte of that number.
_BYTES = [json.decode('"\\u00%x"' % byte) for byte in range(0x80, 0x100)]

def _continues(code):
    return 0x80 <= code and code < 0xC0

def _sequence(codes, at):
    """Returns how many bytes of UTF-8 begin at an index; 0 where none do."""
    for length, first, end in ((2, 0xC2, 0xE0), (3, 0xE0, 0xF0), (4, 0xF0, 0xF5)):
        if first <= codes[at] and codes[at] < end:
            following = codes[at + 1:at + length]
            return length if len(following) == length - 1 and all([_continues(code) for code in following]) else 0
    return 0

def _encode(code):
    """Returns a character beyond ASCII as its bytes."""
    if code < 0x800:
        return _BYTES[0x40 + code // 64] + _BYTES[code % 64]
    if code < 0x10000:
        return _BYTES[0x60 + code // 4096] + _BYTES[code // 64 % 64] + _BYTES[code % 64]
    return _BYTES[0x70 + code // 262144] + _BYTES[code // 4096 % 64] + _BYTES[code // 64 % 64] + _BYTES[code % 64]

def utf8(text):
    """Returns a string that `ctx.actions.write` writes in UTF-8.

    A string of Bazel is bytes, one a character, and is written so. Only paths of files are text where Bazel was built to
    take them for that (as Debian's is), and text is written in Latin-1.

    Args:
      text: string of bytes, of text, or of some of each.
    Returns:
      string of bytes.
    """
    if not text.strip(_ASCII):
        return text
    characters = text.elems()
    codes = [hash(character) for character in characters]  # of one character it is its number
    out, taken = [], 0
    for at, code in enumerate(codes):
        if at < taken:
            continue
        length = _sequence(codes, at) if code >= 0x80 else 1
        taken = at + (length or 1)
        if length:
            out += characters[at:taken]
        elif code >= 0xD800 and code < 0xDC00 and at + 1 < len(codes):
            out.append(_encode(0x10000 + (code - 0xD800) * 0x400 + codes[at + 1] - 0xDC00))
            taken += 1
        else:
            out.append(_encode(code))
    return "".join(out)

def ascii_name(name):
    """Returns how a file is called that an action makes of a source.

    Debian's Bazel crashes when it finds an output with a name beyond ASCII in a cache while it maps paths.

    Args:
      name: string, of the source.
    Returns:
      string: the name, with each byte beyond ASCII as in URLs.
    """
    if not name.strip(_ASCII):
        return name
    return "".join([
        character if hash(character) < 0x80 else "%" + "%x" % hash(character)
        for character in utf8(name).elems()
    ])

def write_json(ctx, out, value):
    """Writes a value as JSON.

    Args:
      ctx: the context of a rule or aspect.
      out: File.
      value: what `json.encode` takes.
    """
    lines = json.encode_indent(value, indent = "  ").split("\n")
    ctx.actions.write(out, "\n".join([utf8(line) for line in lines]) + "\n")

"""Sizes as people write them."""

load("//rules/private:naming.bzl", "label_name")

_UNITS = {"": 1, "KiB": 1024, "MiB": 1024 * 1024}

def parse_size(ctx, what, value):
    """Returns a size in bytes.

    Args:
      ctx: the rule's context, for the error.
      what: the attribute that it stands in.
      value: "", a number of bytes, or a number with KiB or MiB.
    Returns:
      int; 0 for "".
    """
    if not value:
        return 0
    digits = value.rstrip("KMiB")
    unit = value[len(digits):]
    digits = digits.strip()
    if not digits.isdigit() or unit not in _UNITS:
        fail("{}: {} is \"{}\": write a number of bytes, or a number with KiB or MiB.".format(label_name(ctx.label), what, value))
    return int(digits) * _UNITS[unit]

def bytes_of(ctx, attribute):
    """Returns the value in bytes of an attribute that is a size.

    Args:
      ctx: the rule's context.
      attribute: the attribute's name; its value is as of parse_size.
    Returns:
      int; 0 for "".
    """
    return parse_size(ctx, attribute, getattr(ctx.attr, attribute))

"""Where the image is mounted: /rom on a board, somewhere else in a test."""

_root = __file__.rsplit("/", 2)[0]


def path(name):
    return _root + "/" + name

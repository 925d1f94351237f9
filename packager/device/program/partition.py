# needs: ; gives: partition block_size ok vfs
# The partition, as the host has chosen it.
import vfs

partition = 0
block_size = 0


def ok(result, what):
    if result not in (None, 0, False):
        raise ValueError("%s returned %s" % (what, result))

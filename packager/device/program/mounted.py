# needs: built_in hash_range Hash as_text say; gives: size
# After a soft reset, as the firmware left things: whether /rom is mounted, and
# the digest of the first bytes of the partition.
size = 0  # the host's choice
try:
    payload = built_in("os").statvfs("/rom")[2]
except OSError:
    payload = -1


def digest_text():
    # Whoever runs a statement twice, since its answer was lost, gets the same.
    hash = Hash()
    hash_range(hash, 0, size)
    return as_text(hash.digest()).decode()


say("a", "%d|%s" % (payload, digest_text()))

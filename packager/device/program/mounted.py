# needs: payload hash_range Hash as_text say; gives: size
# What is mounted, and the digest of the first bytes of the partition.
size = 0  # the host's choice


def digest_text():
    # Whoever runs a statement twice, since its answer was lost, gets the same.
    hash = Hash()
    hash_range(hash, 0, size)
    return as_text(hash.digest()).decode()


say("a", "%d|%s" % (payload, digest_text()))

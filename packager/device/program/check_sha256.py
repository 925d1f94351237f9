# needs: built_in; gives: check
# The checksum of frames where the firmware has no CRC-32.
sha256 = built_in("hashlib").sha256


def check(head, payload):
    digest = sha256(head)
    digest.update(payload)
    return int.from_bytes(digest.digest()[:4], "big")

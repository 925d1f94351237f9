# needs: sum32 sum32_start; gives: check
# The checksum of frames, over their header and their payload.
def check(head, payload):
    return sum32(payload, sum32(head, sum32_start))

# needs: ; gives: sum32 sum32_start
# A checksum of 32 bits that needs no module: Adler-32.
sum32_start = 1


def sum32(data, start):
    low = start & 65535
    high = start >> 16
    for byte in data:
        low = (low + byte) % 65521
        high = (high + low) % 65521
    return high << 16 | low

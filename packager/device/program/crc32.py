# needs: built_in; gives: sum32 sum32_start
# A checksum of 32 bits that is a built-in function.
sum32 = built_in("binascii").crc32
sum32_start = 0

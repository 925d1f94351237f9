# needs: ; gives: as_text
# Bytes in an answer, where there is no Base64.
def as_text(data):
    return "".join(["%02x" % byte for byte in data]).encode()

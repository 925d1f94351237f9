# needs: built_in; gives: as_text
# Bytes in an answer.
base64 = built_in("binascii").b2a_base64


def as_text(data):
    return base64(data)[:-1]

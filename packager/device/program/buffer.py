# needs: ; gives: buffer buffer_size
# What is written next. It comes first: it needs its memory in one piece, and a
# board with little of it has it already.
buffer_size = 0  # the host's choice
try:
    buffer
except NameError:
    buffer = bytearray(buffer_size)

# needs: built_in; gives: payload
# After a reset, as the firmware left things: the length of what is mounted at /rom, -1 if
# nothing is.
try:
    payload = built_in("os").statvfs("/rom")[2]
except OSError:
    payload = -1

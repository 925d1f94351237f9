# needs: payload say; gives:
# What is mounted, without a digest.
say("a", "%d|" % payload)

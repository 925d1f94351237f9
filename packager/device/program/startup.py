# needs: built_in say; gives:
# Where the firmware looks for main.py after boot.py, and whether one is there
# that has to do with /rom.
directory = built_in("os").getcwd()
kind = "none"
try:
    with open("main.py") as lines:
        kind = "plain"
        for line in lines:
            if "/rom" in line:
                kind = "rom"
except OSError:
    pass
say("u", "%s|%s" % (kind, directory))

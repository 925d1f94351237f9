# needs: _sum; gives: say
# An answer with which noise is not mistaken.
def say(tag, text):
    print("\n~%s%s|%d~" % (tag, text, _sum(text.encode())))

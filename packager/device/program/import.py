# Imports the module _name, which the host has set, and says which file it is from.
import sys

__import__(_name)
_s = getattr(sys.modules[_name], "__file__", "")
print("\n~m%s|%d~" % (_s, _chk(_s.encode())))

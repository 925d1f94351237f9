# needs: ; gives: built_in sys
# The firmware's own modules, whatever files of the board are called like them. A file
# in /rom would run from the flash that is erased, and be gone then.
import sys


def built_in(name):
    # The module, or None if the firmware has none.
    found = sys.modules.get(name)
    from_file = hasattr(found, "__file__")
    if from_file:
        del sys.modules[name]
    path = sys.path[:]
    sys.path[:] = [".frozen"]
    try:
        return __import__(name)
    except ImportError:
        pass
    finally:
        sys.path[:] = path
        if from_file:
            sys.modules[name] = found

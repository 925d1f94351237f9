# needs: built_in sys say; gives: module _import
# What imports a module and says what came of it: m, the file it is from; e, the exception,
# x of sys.exit, or k of Ctrl-C.
module = ""  # the host's choice


def traceback(error):
    try:
        text = built_in("io").StringIO()
        sys.print_exception(error, text)
        return text.getvalue()
    except AttributeError:
        return "%s: %s" % (type(error).__name__, error)


def result():
    try:
        __import__(module)
        # The firmware's own modules are not in sys.modules.
        return "m", getattr(sys.modules.get(module), "__file__", "")
    except SystemExit as error:
        return "x", str(error)
    except KeyboardInterrupt as error:
        return "k", traceback(error)
    except BaseException as error:
        return "e", traceback(error)


def _import():
    kind, text = result()
    say(kind, text.replace("\n", "\x1f"))

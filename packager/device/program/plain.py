# needs: check; gives: commands _call
# In place of link.py, for firmware that cannot wait for input: the host calls
# _call at the REPL for each command.
last_number = -1
last_answer = ""


def run_program(data):
    exec(data, globals())


commands = {"x": run_program}


def _call(number, kind, sum, data):
    # One with the number of the last only repeats the answer.
    global last_number, last_answer
    if check(("%s%02x" % (kind, number)).encode(), data) != sum:
        text = b""
        result = "?"
    elif number == last_number:
        return print(last_answer)
    else:
        last_number = number
        try:
            result = "="
            text = commands[kind](data) or b""
        except Exception as error:
            result = "!"
            text = ("%s: %s" % (type(error).__name__, error)).encode()[:200]
    head = "%s%02x%04x" % (result, number, len(text))
    head = "~%s%08x%s" % (head, check(head.encode(), text), text.decode())
    if result != "?":
        last_answer = head
    print(head)

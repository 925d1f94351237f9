"""What stands in for a peer that a machine cannot have: who runs it fails, and says why; who analyses it does not."""

def lacks(rctx, program):
    """Reports whether this machine lacks a program that a peer is fetched by.

    Args:
      rctx: a repository rule's context.
      program: its name.
    Returns:
      string: what is missing; "" if it is there.
    """
    rctx.getenv("PATH")  # a change of which may bring it
    return "" if rctx.which(program) else "{}: there is no {} on PATH to fetch it by".format(rctx.name, program)

def missing_program(rctx, path, problem):
    """Writes a program that says what is missing, and fails.

    Args:
      rctx: a repository rule's context.
      path: the program's.
      problem: what it says.
    """
    rctx.file(path, missing_script(problem), executable = True)

def missing_script(problem):
    """Returns the text of such a program.

    Args:
      problem: what it says.
    Returns:
      string.
    """
    return "#!/bin/sh\ncat >&2 <<'END'\n{}\nEND\nexit 1\n".format(problem)

"""Executables without a shell: the packager under another name, with a request beside it.

The packager started so reads `<executable>.request.json` (see packager/bazel) and does what it says.
Files in a request are runfiles paths, which are the same in every configuration.
"""

load("//rules/private:encoding.bzl", "write_json")
load("//rules/private:runtime_tools.bzl", "packager_of")

def runfiles_path(ctx, file):
    """Returns a file's path below the runfiles directory.

    Args:
      ctx: the rule's context.
      file: the File.
    Returns:
      string.
    """
    if file.short_path.startswith("../"):
        return file.short_path[len("../"):]
    return ctx.workspace_name + "/" + file.short_path

def board_request(ctx, board):
    """Returns a board as a request names it.

    Args:
      ctx: the rule's context.
      board: RomfsBoardInfo.
    Returns:
      dict.
    """
    return {
        "id": board.id,
        "profile": runfiles_path(ctx, board.profile) if board.profile else "",
    }

# Attributes that every executable of these rules has, as those of other rules do; `args` Bazel adds itself.
LAUNCH_ATTRS = {
    "data": attr.label_list(
        doc = "Files that it has at hand when it runs, for `$(location ...)`.",
        allow_files = True,
    ),
    "env": attr.string_dict(
        doc = "Environment variables that it runs with. `$(location ...)` of something in `data` is its path.",
    ),
    "env_inherit": attr.string_list(
        doc = "Environment variables that it takes from where it is started; for a test, Bazel's `--test_env` does that too.",
    ),
}

_LOCATION = "$(location "

def expand(ctx, text):
    """Replaces each `$(location LABEL)` by what packager/bazel replaces by the file's path once it runs.

    Args:
      ctx: the context of a rule with LAUNCH_ATTRS.
      text: string.
    Returns:
      string.
    """
    for spelling in ("$(rootpath ", "$(rlocationpath ", "$(execpath "):
        text = text.replace(spelling, _LOCATION)
    parts = text.split(_LOCATION)
    out = parts[0]
    for part in parts[1:]:
        label, _, rest = part.partition(")")
        out += "{runfile:" + ctx.expand_location("$(rlocationpath {})".format(label), ctx.attr.data) + "}" + rest
    return out

def launch(ctx, request, files, interpreter = None):
    """Makes an executable that carries out a request.

    Args:
      ctx: the context of a rule with LAUNCH_ATTRS and attributes of runtime_tools.bzl.
      request: dict, of what packager/bazel reads.
      files: list of File that the request names.
      interpreter: InterpreterInfo, for a request that may run MicroPython.
    Returns:
      list of providers: DefaultInfo and RunEnvironmentInfo.
    """
    tool = packager_of(ctx)
    packager = tool.files_to_run.executable
    extension = ".exe" if packager.extension == "exe" else ""
    executable = ctx.actions.declare_file(ctx.label.name + extension)
    ctx.actions.symlink(
        output = executable,
        target_file = packager,
        is_executable = True,
        progress_message = "Linking %{output}",
    )
    written = ctx.actions.declare_file(executable.basename + ".request.json", sibling = executable)
    runfiles = ctx.runfiles(files + ctx.files.data + [written]).merge(tool.default_runfiles)
    runfiles = runfiles.merge_all([target[DefaultInfo].default_runfiles for target in ctx.attr.data])
    if interpreter and interpreter.micropython:
        micropython = interpreter.micropython.files_to_run.executable
        request["micropython"] = runfiles_path(ctx, micropython)
        runfiles = runfiles.merge(ctx.runfiles([micropython])).merge(interpreter.micropython.default_runfiles)
    elif interpreter and interpreter.problem:
        request["micropython_problem"] = interpreter.problem
    request["label"] = str(ctx.label)
    request["env"] = {name: expand(ctx, value) for name, value in ctx.attr.env.items()}
    write_json(ctx, written, request)
    return [
        DefaultInfo(
            executable = executable,
            files = depset([executable]),
            runfiles = runfiles,
        ),
        # `bazel run` and `bazel test` start in the runfiles directory; started otherwise, the executable
        # finds the request beside itself.
        RunEnvironmentInfo(
            environment = {"ROMFS_REQUEST": written.short_path},
            inherited_environment = ctx.attr.env_inherit,
        ),
    ]

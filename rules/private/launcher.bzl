"""Executables without a shell: the packager under another name, with a request beside it.

The packager started so reads `<executable>.request.json` (see packager/bazel) and does what it says.
Files in a request are runfiles paths, which are the same in every configuration.
"""

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

def launch(ctx, tools, request, files):
    """Makes an executable that carries out a request.

    Args:
      ctx: the rule's context.
      tools: RuntimeToolsInfo for the platform that it runs on.
      request: dict, of what packager/bazel reads.
      files: list of File that the request names.
    Returns:
      list of providers: DefaultInfo and RunEnvironmentInfo.
    """
    packager = tools.packager.files_to_run.executable
    extension = ".exe" if packager.extension == "exe" else ""
    executable = ctx.actions.declare_file(ctx.label.name + extension)
    ctx.actions.symlink(
        output = executable,
        target_file = packager,
        is_executable = True,
        progress_message = "Linking %{output}",
    )
    written = ctx.actions.declare_file(executable.basename + ".request.json", sibling = executable)
    runfiles = ctx.runfiles(files + [written]).merge(tools.packager.default_runfiles)
    if tools.micropython:
        request["micropython"] = runfiles_path(ctx, tools.micropython.files_to_run.executable)
        runfiles = runfiles.merge(ctx.runfiles([tools.micropython.files_to_run.executable]))
        runfiles = runfiles.merge(tools.micropython.default_runfiles)
    request["label"] = str(ctx.label)
    ctx.actions.write(written, json.encode_indent(request, indent = "  ") + "\n")
    return [
        DefaultInfo(
            executable = executable,
            files = depset([executable]),
            runfiles = runfiles,
        ),
        # `bazel run` and `bazel test` start in the runfiles directory; started otherwise, the executable
        # finds the request beside itself.
        RunEnvironmentInfo(environment = {"ROMFS_REQUEST": written.short_path}),
    ]

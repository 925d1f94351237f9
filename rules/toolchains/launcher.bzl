"""A script that runs with files beside it, locally and remotely."""

def _launcher_impl(ctx):
    suffix = ".exe" if ctx.file.script.extension == "exe" else ""
    executable = ctx.actions.declare_file(ctx.label.name + suffix)
    ctx.actions.symlink(output = executable, target_file = ctx.file.script, is_executable = True)
    return [DefaultInfo(
        executable = executable,
        files = depset([executable]),
        runfiles = ctx.runfiles([executable, ctx.file.script] + ctx.files.srcs),
    )]

launcher = rule(
    implementation = _launcher_impl,
    doc = """\
Makes an executable of a script, or of a program, and of the files that it needs.

It is a link in an output folder, whose place in a tree of runfiles is as the target's name says: a target
`bin/tool` finds `lib` beside the folder of the link there, or beside that of the script itself.
""",
    attrs = {
        "script": attr.label(mandatory = True, allow_single_file = True, doc = "What is run."),
        "srcs": attr.label_list(allow_files = True, doc = "What it needs."),
    },
    executable = True,
)

"""A rule that makes a directory of files that only its action knows."""

def _directory_impl(ctx):
    out = ctx.actions.declare_directory(ctx.label.name)
    ctx.actions.run_shell(outputs = [out], command = "touch $1/made.py", arguments = [out.path])
    return [DefaultInfo(files = depset([out]))]

directory = rule(
    implementation = _directory_impl,
    doc = "Makes a directory.",
)

"""Executables of the toolchains of rules_romfs, as targets that a test can have among its data."""

def _tool(ctx, source, runfiles):
    executable = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = executable, target_file = source, is_executable = True)
    return [DefaultInfo(
        executable = executable,
        files = depset([executable]),
        runfiles = ctx.runfiles([executable]).merge(runfiles),
    )]

def _mpy_cross_impl(ctx):
    compiler = ctx.toolchains["//rules:mpy_cross_toolchain_type"].mpy_cross
    return _tool(ctx, compiler.executable, ctx.runfiles())

mpy_cross_tool = rule(
    implementation = _mpy_cross_impl,
    doc = "The mpy-cross that images are compiled with.",
    executable = True,
    toolchains = ["//rules:mpy_cross_toolchain_type"],
)

def _micropython_impl(ctx):
    interpreter = ctx.toolchains["//rules:micropython_toolchain_type"].micropython
    return _tool(ctx, interpreter.files_to_run.executable, interpreter.default_runfiles)

micropython_tool = rule(
    implementation = _micropython_impl,
    doc = "The MicroPython that tests run.",
    executable = True,
    toolchains = ["//rules:micropython_toolchain_type"],
)

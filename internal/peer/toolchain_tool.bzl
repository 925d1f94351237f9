"""Executables of the toolchains of rules_romfs, as targets that a test can have among its data."""

def _mpy_cross_impl(ctx):
    compiler = ctx.toolchains["//rules:mpy_cross_toolchain_type"].mpy_cross
    return [DefaultInfo(files = depset([compiler.executable]))]

mpy_cross_tool = rule(
    implementation = _mpy_cross_impl,
    doc = "The mpy-cross that images are compiled with.",
    toolchains = ["//rules:mpy_cross_toolchain_type"],
)

def _micropython_impl(ctx):
    interpreter = ctx.toolchains["//rules:micropython_toolchain_type"].micropython
    return [DefaultInfo(
        files = depset([interpreter.files_to_run.executable]),
        runfiles = interpreter.default_runfiles,
    )]

micropython_tool = rule(
    implementation = _micropython_impl,
    doc = "The MicroPython that tests run.",
    toolchains = ["//rules:micropython_toolchain_type"],
)

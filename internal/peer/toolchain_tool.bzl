"""Executables of the toolchains of rules_romfs, as targets that a test can have among its data."""

load("//rules/toolchains:for_repositories.bzl", "InterpreterInfo")
load(":missing.bzl", "missing_script")

def _missing(ctx, problem):
    """Makes a program that says why there is none; tests that run it fail."""
    out = ctx.actions.declare_file(ctx.label.name + ".missing")
    ctx.actions.write(out, missing_script(problem), is_executable = True)
    return [DefaultInfo(files = depset([out]))]

def _mpy_cross_impl(ctx):
    toolchain = ctx.toolchains["//rules:mpy_cross_toolchain_type"]
    if not toolchain.mpy_cross:
        return _missing(ctx, toolchain.problem)
    return [DefaultInfo(files = depset([toolchain.mpy_cross.executable]))]

mpy_cross_tool = rule(
    implementation = _mpy_cross_impl,
    doc = "The mpy-cross that images are compiled with.",
    toolchains = ["//rules:mpy_cross_toolchain_type"],
)

def _micropython_impl(ctx):
    tool = ctx.attr._interpreter[InterpreterInfo]
    interpreter = tool.micropython
    if not interpreter:
        return _missing(ctx, tool.problem)
    return [DefaultInfo(
        files = depset([interpreter.files_to_run.executable]),
        runfiles = interpreter.default_runfiles,
    )]

micropython_tool = rule(
    implementation = _micropython_impl,
    doc = "MicroPython's unix port, as simulated boards run it.",
    attrs = {"_interpreter": attr.label(default = "//rules/private:interpreter", providers = [InterpreterInfo])},
)

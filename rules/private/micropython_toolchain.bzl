"""The optional toolchain that runs images on this machine: a MicroPython interpreter."""

MICROPYTHON_TOOLCHAIN_TYPE = str(Label("//rules:micropython_toolchain_type"))

def _micropython_toolchain_impl(ctx):
    return [platform_common.ToolchainInfo(micropython = ctx.attr.micropython[DefaultInfo], problem = "")]

micropython_toolchain = rule(
    implementation = _micropython_toolchain_impl,
    doc = """\
Makes an interpreter the MicroPython of a `toolchain()` of type `@rules_romfs//rules:micropython_toolchain_type`.

The simulated board (`port = "sim:"`) runs it, and so do tests with `imports`, instead of the interpreter that the packager
brings along. It runs where the test or the deploy runs, so declare it with `target_compatible_with`, not
`exec_compatible_with`.
""",
    attrs = {
        "micropython": attr.label(
            doc = "The interpreter, MicroPython's unix port, with `vfs.VfsRom`; what it needs beside it goes into its runfiles.",
            mandatory = True,
            executable = True,
            allow_files = True,
            cfg = "target",
        ),
    },
    provides = [platform_common.ToolchainInfo],
)

missing_micropython = rule(
    implementation = lambda ctx: [platform_common.ToolchainInfo(micropython = None, problem = ctx.attr.problem)],
    doc = "Stands in for an interpreter that a machine does not have: what would run it fails when it is run, and says why.",
    attrs = {"problem": attr.string(doc = "What is missing, and what to do; none where the packager's own serves.")},
    provides = [platform_common.ToolchainInfo],
)

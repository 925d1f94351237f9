"""The optional toolchain that runs images on this machine: a MicroPython interpreter."""

MICROPYTHON_TOOLCHAIN_TYPE = str(Label("//rules:micropython_toolchain_type"))

def _micropython_toolchain_impl(ctx):
    return [platform_common.ToolchainInfo(micropython = ctx.attr.micropython[DefaultInfo])]

micropython_toolchain = rule(
    implementation = _micropython_toolchain_impl,
    doc = """\
Makes an interpreter the MicroPython of a `toolchain()` of type `@rules_romfs//rules:micropython_toolchain_type`.

Tests with `imports` and the simulated board (`port = "sim:"`) run it. It runs where the test or the
deploy runs, so declare it with `target_compatible_with`, not `exec_compatible_with`.
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

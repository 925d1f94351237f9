"""The toolchain that compiles Python: an mpy-cross of one release."""

MPY_CROSS_TOOLCHAIN_TYPE = str(Label("//rules:mpy_cross_toolchain_type"))

def _mpy_cross_toolchain_impl(ctx):
    return [platform_common.ToolchainInfo(
        mpy_cross = ctx.attr.mpy_cross[DefaultInfo].files_to_run,
        version = ctx.attr.version,
    )]

mpy_cross_toolchain = rule(
    implementation = _mpy_cross_toolchain_impl,
    doc = "Makes an executable the compiler of a `toolchain()` of type `@rules_romfs//rules:mpy_cross_toolchain_type`.",
    attrs = {
        "mpy_cross": attr.label(
            doc = "MicroPython's cross-compiler: any executable that takes its command line.",
            mandatory = True,
            executable = True,
            allow_files = True,
            cfg = "exec",
        ),
        "version": attr.string(
            doc = "The release it is, as its `--version` says it, such as `1.29.0`. " +
                  "The output of mpy-cross differs between releases, so sidecars name it.",
            mandatory = True,
        ),
    },
    provides = [platform_common.ToolchainInfo],
)

"""The toolchain that compiles Python: an mpy-cross of one release."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")

MPY_CROSS_TOOLCHAIN_TYPE = str(Label("//rules:mpy_cross_toolchain_type"))

def _mpy_cross_toolchain_impl(ctx):
    return [platform_common.ToolchainInfo(
        mpy_cross = ctx.attr.mpy_cross[DefaultInfo].files_to_run,
        problem = "",
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

missing_mpy_cross = rule(
    implementation = lambda ctx: [platform_common.ToolchainInfo(mpy_cross = None, problem = ctx.attr.problem, version = ctx.attr.version)],
    doc = "Stands in for a compiler that cannot be fetched: what compiles fails, and says why; what does not is built.",
    attrs = {
        "problem": attr.string(mandatory = True, doc = "What is missing, and what to do."),
        "version": attr.string(mandatory = True, doc = "The release that it would be."),
    },
    provides = [platform_common.ToolchainInfo],
)

MpyCrossVersionsInfo = provider(
    doc = "The releases of mpy-cross that a build can choose from.",
    fields = {
        "known": "list of string: every version that a toolchain is declared for.",
        "wanted": "string: the one that the build chose.",
    },
)

mpy_cross_versions = rule(
    implementation = lambda ctx: [MpyCrossVersionsInfo(known = ctx.attr.known, wanted = ctx.attr.flag[BuildSettingInfo].value)],
    doc = "Says which releases of mpy-cross there are, for the error of a build that chose another.",
    attrs = {
        "flag": attr.label(mandatory = True, providers = [BuildSettingInfo], doc = "The flag that chooses."),
        "known": attr.string_list(mandatory = True, doc = "The versions."),
    },
    provides = [MpyCrossVersionsInfo],
)

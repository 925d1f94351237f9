"""The toolchains that make and ship images: one executable, the packager `romfs`.

It is wanted in two places that can be two platforms: actions run it where they are executed (an exec
platform, perhaps a remote machine), deploys and tests run it where their target runs.
"""

PACKAGER_TOOLCHAIN_TYPE = str(Label("//rules:packager_toolchain_type"))
PACKAGER_RUNTIME_TOOLCHAIN_TYPE = str(Label("//rules:packager_runtime_toolchain_type"))

def _romfs_packager_toolchain_impl(ctx):
    return [platform_common.ToolchainInfo(packager = ctx.attr.packager[DefaultInfo].files_to_run)]

romfs_packager_toolchain = rule(
    implementation = _romfs_packager_toolchain_impl,
    doc = "Makes an executable the packager of a `toolchain()` of type `@rules_romfs//rules:packager_toolchain_type`.",
    attrs = {
        "packager": attr.label(
            doc = "The packager: `@rules_romfs//packager/cmd/romfs`, or a released binary of it.",
            mandatory = True,
            executable = True,
            cfg = "exec",
        ),
    },
    provides = [platform_common.ToolchainInfo],
)

def _romfs_packager_runtime_toolchain_impl(ctx):
    return [platform_common.ToolchainInfo(packager = ctx.attr.packager[DefaultInfo])]

romfs_packager_runtime_toolchain = rule(
    implementation = _romfs_packager_runtime_toolchain_impl,
    doc = """\
Makes an executable the packager of a `toolchain()` of type `@rules_romfs//rules:packager_runtime_toolchain_type`.

Deploys and tests run it on the machine that runs them, so declare it with `target_compatible_with`.
""",
    attrs = {
        "packager": attr.label(
            doc = "The packager: `@rules_romfs//packager/cmd/romfs`, or a released binary of it.",
            mandatory = True,
            executable = True,
            cfg = "target",
        ),
    },
    provides = [platform_common.ToolchainInfo],
)

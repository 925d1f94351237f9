"""What deploys and tests run: the packager, and a MicroPython interpreter where there is one."""

load("//rules/private:micropython_toolchain.bzl", "MICROPYTHON_TOOLCHAIN_TYPE")
load("//rules/private:packager_toolchain.bzl", "PACKAGER_RUNTIME_TOOLCHAIN_TYPE")

RuntimeToolsInfo = provider(
    doc = "The tools of deploys and tests, for the platform that they were resolved for.",
    fields = {
        "micropython": "DefaultInfo: the interpreter; None without that toolchain.",
        "packager": "DefaultInfo: the packager.",
    },
)

def _runtime_tools_impl(ctx):
    micropython = ctx.toolchains[MICROPYTHON_TOOLCHAIN_TYPE]
    return [RuntimeToolsInfo(
        micropython = micropython.micropython if micropython else None,
        packager = ctx.toolchains[PACKAGER_RUNTIME_TOOLCHAIN_TYPE].packager,
    )]

# A target of its own, so that who needs the tools chooses their platform by a transition on one attribute.
runtime_tools = rule(
    implementation = _runtime_tools_impl,
    doc = "Resolves the tools of deploys and tests for the target platform.",
    toolchains = [
        config_common.toolchain_type(MICROPYTHON_TOOLCHAIN_TYPE, mandatory = False),
        config_common.toolchain_type(PACKAGER_RUNTIME_TOOLCHAIN_TYPE, mandatory = True),
    ],
    provides = [RuntimeToolsInfo],
)

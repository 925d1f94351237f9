"""Repositories that hold a released packager each."""

load(":platforms.bzl", "PLATFORMS")
load(":reproducible.bzl", "reproducible")

_BUILD = """\
load("{launcher_rule}", "launcher")
load("{toolchains}", "romfs_packager_runtime_toolchain", "romfs_packager_toolchain")

package(default_visibility = ["//visibility:public"])

launcher(
    name = "packager",
    script = "{executable}",
)

romfs_packager_toolchain(
    name = "toolchain",
    packager = ":packager",
)

romfs_packager_runtime_toolchain(
    name = "runtime_toolchain",
    packager = ":packager",
)
"""

def _packager_prebuilt_impl(rctx):
    executable = "bin/romfs" + PLATFORMS[rctx.attr.platform].exe
    rctx.download(rctx.attr.urls, output = executable, sha256 = rctx.attr.sha256, executable = True)
    rctx.file("BUILD.bazel", _BUILD.format(
        executable = executable,
        launcher_rule = Label("//rules/toolchains:launcher.bzl"),
        toolchains = Label("//rules:toolchains.bzl"),
    ))
    return reproducible(rctx)

packager_prebuilt = repository_rule(
    implementation = _packager_prebuilt_impl,
    doc = "A released binary of the packager, as a lockfile names it.",
    attrs = {
        "platform": attr.string(mandatory = True, values = PLATFORMS.keys(), doc = "The platform that it runs on."),
        "sha256": attr.string(mandatory = True, doc = "Its digest."),
        "urls": attr.string_list(mandatory = True, doc = "Where it can be had."),
    },
)

def read_lockfile(ctx, label):
    """Reads a lockfile: a JSON object of platforms, `{"linux_amd64": {"sha256": "...", "urls": ["..."]}}`.

    Args:
      ctx: a module extension's or repository rule's context.
      label: the lockfile.

    Returns:
      The decoded object.
    """
    lock = json.decode(ctx.read(label))
    for platform, binary in lock.items():
        if platform not in PLATFORMS:
            fail("{}: unknown platform \"{}\"; want one of {}".format(label, platform, ", ".join(PLATFORMS)))
        for key in ["sha256", "urls"]:
            if not binary.get(key):
                fail("{}: {} has no \"{}\"".format(label, platform, key))
    return lock

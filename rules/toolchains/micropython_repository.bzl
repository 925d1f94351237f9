"""A repository that holds a MicroPython interpreter for tests and the simulated board."""

_BUILD = """\
load("{launcher_rule}", "launcher")
load("{toolchains}", "micropython_toolchain")

package(default_visibility = ["//visibility:public"])

launcher(
    name = "bin/micropython",
    srcs = glob(["lib/**"], allow_empty = True),
    script = "interpreter",
)

micropython_toolchain(
    name = "toolchain",
    micropython = ":bin/micropython",
)
"""

def _micropython_repository_impl(rctx):
    arch = rctx.attr.arch
    path = rctx.attr.path or (not arch and rctx.os.environ.get("ROMFS_MICROPYTHON"))
    if path:
        if not rctx.path(path).exists:
            fail("the MicroPython interpreter {} does not exist".format(path))
        rctx.symlink(path, "interpreter")
    else:
        result = rctx.execute([rctx.path(Label("//tools/debian:micropython")), rctx.path(".")] + ([arch] if arch else []))
        if result.return_code:
            fail("no MicroPython interpreter: {}\nName one of your own instead: romfs.micropython(path = ...), or $ROMFS_MICROPYTHON".format(result.stderr))
        rctx.symlink("bin/micropython", "interpreter")
    rctx.file("BUILD.bazel", _BUILD.format(
        launcher_rule = Label("//rules/toolchains:launcher.bzl"),
        toolchains = Label("//rules:toolchains.bzl"),
    ))

micropython_repository = repository_rule(
    implementation = _micropython_repository_impl,
    doc = "MicroPython's unix port: the interpreter at `path` or `$ROMFS_MICROPYTHON`, or else Debian's package, with the C library that it needs.",
    attrs = {
        "arch": attr.string(doc = "Debian's name of another architecture that this machine runs too; `$ROMFS_MICROPYTHON` does not count then."),
        "path": attr.string(doc = "The absolute path of an interpreter with `vfs.VfsRom`."),
    },
    environ = ["ROMFS_MICROPYTHON"],
)

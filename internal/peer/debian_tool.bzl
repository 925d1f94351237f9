"""Programs and sources of Debian's that tests compare with."""

_BUILD = """\
load("{launcher_rule}", "launcher")

package(default_visibility = ["//visibility:public"])

[
    launcher(
        name = "bin/" + program,
        srcs = glob(["lib/**"]),
        script = "launcher/" + program,
    )
    for program in {programs}
]
"""

def _debian_tools_impl(rctx):
    arch = {"aarch64": "arm64", "x86_64": "amd64"}.get(rctx.os.arch, rctx.os.arch)
    command = [rctx.path(Label("//tools/debian:programs")), "unpacked", rctx.attr.suite, arch, " ".join(rctx.attr.packages)]
    result = rctx.execute(command + rctx.attr.programs)
    if result.return_code:
        fail("Debian's {} could not be had: {}".format(", ".join(rctx.attr.packages), result.stderr))
    rctx.symlink("unpacked/lib", "lib")
    rctx.symlink("unpacked/bin", "launcher")
    rctx.file("BUILD.bazel", _BUILD.format(
        launcher_rule = Label("//rules/toolchains:launcher.bzl"),
        programs = rctx.attr.programs,
    ))

debian_tools = repository_rule(
    implementation = _debian_tools_impl,
    attrs = {
        "packages": attr.string_list(mandatory = True, doc = "Debian packages."),
        "programs": attr.string_list(mandatory = True, doc = "The names of their programs that are wanted."),
        "suite": attr.string(mandatory = True, doc = "The release of Debian."),
    },
)

_MANIFESTFILE = """\
package(default_visibility = ["//visibility:public"])

exports_files(["tools/manifestfile.py"])

filegroup(
    name = "tree",
    srcs = glob(
        ["**"],
        exclude = [
            "BUILD.bazel",
            "tools/manifestfile.py",
        ],
    ),
)
"""

def _manifestfile_impl(rctx):
    result = rctx.execute([rctx.path(Label("//tools/debian:manifestfile")), "."])
    if result.return_code:
        fail("Debian's source of MicroPython could not be had: {}".format(result.stderr))
    rctx.file("BUILD.bazel", _MANIFESTFILE)

manifestfile_repository = repository_rule(
    implementation = _manifestfile_impl,
    doc = "MicroPython's tools/manifestfile.py, the manifests of its boards and what they freeze.",
)

"""Programs and sources of Debian's that tests compare with."""

load(":missing.bzl", "lacks", "missing_program")

_BUILD = """\
load("{launcher_rule}", "launcher")

package(default_visibility = ["//visibility:public"])

[
    launcher(
        name = "bin/" + program,
        srcs = glob(["lib/**"], allow_empty = True),
        script = "launcher/" + program,
    )
    for program in {programs}
]
"""

def _debian_tools_impl(rctx):
    arch = {"aarch64": "arm64", "x86_64": "amd64"}.get(rctx.os.arch, rctx.os.arch)
    command = [rctx.path(Label("//tools/debian:programs")), "unpacked", rctx.attr.suite, arch, " ".join(rctx.attr.packages)]
    problem = lacks(rctx, "apt-get")
    if problem:
        for program in rctx.attr.programs:
            missing_program(rctx, "launcher/" + program, problem)
    else:
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

_TREE = """\
package(default_visibility = ["//visibility:public"])

exports_files({files})

filegroup(
    name = "tree",
    srcs = glob(
        ["**"],
        exclude = ["BUILD.bazel"] + {files},
    ),
)
"""

def _debian_tree_impl(rctx):
    problem = lacks(rctx, "apt-get")
    if problem:
        for file in ["MISSING"] + rctx.attr.files:
            missing_program(rctx, file, problem)
    else:
        result = rctx.execute([rctx.path(rctx.attr.script), "."])
        if result.return_code:
            fail("{} could not be had: {}".format(rctx.attr.what, result.stderr))
    rctx.file("BUILD.bazel", _TREE.format(files = rctx.attr.files))

debian_tree = repository_rule(
    implementation = _debian_tree_impl,
    doc = "What a script of tools/debian takes from Debian's packages, in one target, and single files of it.",
    attrs = {
        "files": attr.string_list(mandatory = True, doc = "Those that are targets of their own."),
        "script": attr.label(mandatory = True, allow_single_file = True, doc = "The script; its argument is a folder."),
        "what": attr.string(mandatory = True, doc = "Its name in an error."),
    },
)

def _firmware_impl(rctx):
    build = rctx.path(rctx.attr.build)
    rctx.watch_tree(build.dirname)
    rctx.watch(build.dirname.dirname.get_child("tools", "make-port"))
    problem = lacks(rctx, "apt-get")
    if problem:  # which had brought its compiler
        missing_program(rctx, "firmware.elf", problem)
    else:
        result = rctx.execute([build, "."] + [rctx.path(p).dirname for p in (rctx.attr.compiler, rctx.attr.source)])
        if result.return_code:
            fail("the firmware does not build: {}".format(result.stderr))
    rctx.file("BUILD.bazel", 'exports_files(["firmware.elf"])\n')

firmware_repository = repository_rule(
    implementation = _firmware_impl,
    doc = "The firmware that the tests run on an emulated board, built from this project's sources.",
    attrs = {
        "build": attr.label(mandatory = True, allow_single_file = True, doc = "The script that builds it, beside its sources."),
        "compiler": attr.label(mandatory = True, doc = "The list of packages of the repository that is the compiler."),
        "source": attr.label(mandatory = True, doc = "The same of MicroPython's source."),
    },
)

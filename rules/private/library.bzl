"""mpy_library: Python and data with their place in an image."""

load("//rules/private:actions.bzl", "TOOLCHAINS", "plan")
load("//rules/private:board_info.bzl", "board_of")
load("//rules/private:mpy_info.bzl", "MpyInfo")
load("//rules/private:naming.bzl", "label_name", "package_name", "source_name")
load("//rules/private:require.bzl", "require")

_DOC = """\
Python modules and other files that images place at one destination.

A library is compiled once, however many images have it among their `deps`. Its files keep their paths
below `strip_prefix`, so `drivers/bme280.py` of this package with `dest = "/lib"` becomes
`/lib/drivers/bme280.mpy`, and is imported as `drivers.bme280`:

```starlark
mpy_library(
    name = "drivers",
    srcs = glob(["drivers/*.py"]),
    dest = "/lib",
    deps = ["//lib/sensors"],
)
```
"""

def _destination(ctx, name):
    prefix = "/".join([part for part in [package_name(ctx.label), ctx.attr.strip_prefix.strip("/")] if part])
    if not prefix:
        path = name
    elif name.startswith(prefix + "/"):
        path = name[len(prefix) + 1:]
    else:
        fail("{}: source {} is not below {}: set strip_prefix, or make a mpy_library in its own package.".format(
            label_name(ctx.label),
            name,
            prefix,
        ))
    return "/".join([part for part in [ctx.attr.dest.strip("/"), path] if part])

def libraries(ctx):
    """Returns the libraries of a rule's attribute `deps`.

    Args:
      ctx: the rule's context.
    Returns:
      list of MpyInfo.
    """
    advice = "Name an mpy_library, which says where its files go, or add the files to srcs."
    return [require(ctx, "deps", dep, MpyInfo, advice) for dep in ctx.attr.deps]

def _mpy_library_impl(ctx):
    # The library's own manifest: one literal rule a file, so that its meaning is that of any manifest.
    mpy = {"optimize": ctx.attr.optimize, "emit": ctx.attr.emit, "arch": ctx.attr.arch}
    if not ctx.attr.compile:
        mpy = {"compile": False}
    if ctx.attr.keep_source:
        mpy["keep_source"] = ctx.attr.keep_source
    manifest = ctx.actions.declare_file(ctx.label.name + ".romfs.d/manifest.json")
    depth = len(package_name(ctx.label).split("/")) if package_name(ctx.label) else 0
    depth += len((ctx.label.name + ".romfs.d").split("/"))
    ctx.actions.write(manifest, json.encode_indent({
        "version": 1,
        "name": "library",
        "root": "/".join([".."] * depth),
        "mpy": mpy,
        "files": [
            {"src": source_name(file), "dest": _destination(ctx, source_name(file))}
            for file in ctx.files.srcs
        ],
    }, indent = "  ") + "\n")

    planned = plan(
        ctx,
        manifest = manifest,
        sources = ctx.files.srcs,
        board = board_of(ctx, ctx.attr._board),
    )
    deps = libraries(ctx)
    return [
        DefaultInfo(files = depset(planned.compiled)),
        MpyInfo(
            files = depset(planned.files, transitive = [dep.files for dep in deps]),
            plans = depset([planned.plan], transitive = [dep.plans for dep in deps], order = "postorder"),
            sources = depset(planned.sources, transitive = [dep.sources for dep in deps], order = "postorder"),
        ),
    ]

mpy_library = rule(
    implementation = _mpy_library_impl,
    doc = _DOC,
    attrs = {
        "srcs": attr.label_list(
            doc = "Files of the library. What ends in `.py` is compiled, anything else is packed as it is. " +
                  "Targets of other rules, such as `py_library`, give their default outputs.",
            allow_files = True,
            mandatory = True,
        ),
        "deps": attr.label_list(
            doc = "Libraries that an image with this one must have too.",
        ),
        "dest": attr.string(
            doc = "The directory in the image; `/` is what the board sees as `/rom`.",
            default = "/",
        ),
        "strip_prefix": attr.string(
            doc = "The directory, relative to the package, whose name does not become part of a file's place.",
        ),
        "compile": attr.bool(
            doc = "Whether to compile: with False, sources are packed.",
            default = True,
        ),
        "keep_source": attr.string_list(
            doc = "Destinations of files that stay source; by default `boot.py` and `main.py`, which firmware only runs so.",
        ),
        "optimize": attr.int(
            doc = "mpy-cross's `-O`: 1 and up drop asserts, 3 drops line numbers too.",
            values = [0, 1, 2, 3],
        ),
        "emit": attr.string(
            doc = "What functions without a decorator become.",
            default = "bytecode",
            values = ["bytecode", "native", "viper"],
        ),
        "arch": attr.string(
            doc = "The architecture of native code: one of mpy-cross's `-march`, `board`, or `none` for bytecode only.",
            default = "none",
        ),
        "_board": attr.label(default = Label("//rules:board")),
    },
    provides = [MpyInfo],
    toolchains = TOOLCHAINS,
)

"""mpy_library: Python and data with their place in an image."""

load("//rules/private:actions.bzl", "ACTION_ATTRS", "EXEC_GROUPS", "TOOLCHAINS", "build_defaults")
load("//rules/private:board_info.bzl", "BOARD_ATTRS")
load("//rules/private:literal.bzl", "literal_library")
load("//rules/private:mpy_info.bzl", "MpyInfo", "merge_libraries")
load("//rules/private:naming.bzl", "label_name", "place")
load("//rules/private:python.bzl", "PythonInfo", "libraries_of", "python_aspect", "with_python")

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

`deps` can name a `py_library` too, of any package or repository, pip's among them: its sources and those of all that it
depends on are placed by their import paths, from the image's root. In `srcs` it gives its own sources, which go where
this library says, and what it depends on comes along in the same way.
"""

def libraries(ctx):
    """Returns the libraries of a rule's attribute `deps`.

    Args:
      ctx: the rule's context.
    Returns:
      list of MpyInfo.
    """
    found = []
    for dep in ctx.attr.deps:
        if MpyInfo in dep:
            found.append(dep[MpyInfo])
        elif PythonInfo in dep:
            found += libraries_of(dep)
        else:
            fail("{}: deps names {}, which is of another kind. Name an mpy_library, which says where its files go, or a py_library, or add the files to srcs.".format(
                label_name(ctx.label),
                label_name(dep.label),
            ))
    return found

def _mpy_library_impl(ctx):
    defaults = build_defaults(ctx)
    emit = ctx.attr.emit or defaults.emit or "bytecode"
    mpy = {
        "optimize": ctx.attr.optimize if ctx.attr.optimize >= 0 else defaults.optimize or 0,
        "emit": emit,
        "arch": ctx.attr.arch or (defaults.arch if not ctx.attr.emit else "") or "none",
    }
    if not ctx.attr.compile:
        mpy = {"compile": False}
    if ctx.attr.keep_source:
        mpy["keep_source"] = ctx.attr.keep_source
    srcs = with_python(ctx.attr.srcs, ctx.files.srcs)
    own = literal_library(
        ctx,
        {file: place(ctx.label, file, ctx.attr.strip_prefix, ctx.attr.dest) for file in srcs.files},
        mpy,
    )
    deps = libraries(ctx) + srcs.libraries
    return [
        DefaultInfo(files = depset(own.compiled)),
        merge_libraries([own.info] + deps),
    ]

mpy_library = rule(
    implementation = _mpy_library_impl,
    doc = _DOC,
    attrs = {
        "srcs": attr.label_list(
            doc = "Files of the library. What ends in `.py` is compiled, anything else is packed as it is. " +
                  "Targets of other rules give their default outputs; a `py_library` its sources, what it has as `data`, and what it depends on.",
            allow_files = True,
            aspects = [python_aspect],
            mandatory = True,
        ),
        "deps": attr.label_list(
            doc = "Libraries that an image with this one must have too: `mpy_library` and `py_library` targets.",
            aspects = [python_aspect],
        ),
        "dest": attr.string(
            doc = "The directory in the image; `/` is what the board sees as `/rom`.",
            default = "/",
        ),
        "strip_prefix": attr.string(
            doc = "The directory whose name does not become part of a file's place: relative to the package, or, with a slash in " +
                  "front, from the root of the file's repository, whichever that is: `/lib/proto`, or `/` for all of the path.",
        ),
        "compile": attr.bool(
            doc = "Whether to compile: with False, sources are packed.",
            default = True,
        ),
        "keep_source": attr.string_list(
            doc = "Destinations of files that stay source; by default `boot.py` and `main.py`, which firmware only runs so.",
        ),
        "optimize": attr.int(
            doc = "mpy-cross's `-O`: 1 and up drop asserts, 3 drops line numbers too. By default what `--@rules_romfs//rules:optimize` says, else 0.",
            default = -1,
            values = [-1, 0, 1, 2, 3],
        ),
        "emit": attr.string(
            doc = "What functions without a decorator become: `bytecode`, `native` or `viper`. By default what `--@rules_romfs//rules:emit` says, else bytecode.",
            values = ["", "bytecode", "native", "viper"],
        ),
        "arch": attr.string(
            doc = "The architecture of native code: one of mpy-cross's `-march`, `board`, or `none` for bytecode only. " +
                  "By default `none`; `board` where the flag `emit` asks for machine code.",
        ),
    } | ACTION_ATTRS | BOARD_ATTRS,
    exec_groups = EXEC_GROUPS,
    provides = [MpyInfo],
    toolchains = TOOLCHAINS,
)

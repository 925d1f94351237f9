"""romfs_test: what is in an image, how large it is, and that MicroPython imports it."""

load("//rules/private:image_info.bzl", "RomfsImageInfo")
load("//rules/private:launcher.bzl", "LAUNCH_ATTRS", "launch", "runfiles_path")
load("//rules/private:naming.bzl", "label_name")
load("//rules/private:require.bzl", "require")
load("//rules/private:runtime_tools.bzl", "IMPORT_TEST_TOOLS", "interpreter_of")
load("//rules/private:size.bzl", "bytes_of", "parse_size")
load("//rules/private:transitions.bzl", "repack_transition")

_DOC = """\
Tests an image: its soundness, its files, its size, and that a real MicroPython imports from it.

```starlark
romfs_test(
    name = "image_test",
    base = "released/image.romfs",
    image = ":image",
    imports = ["app"],
    max_growth = "4KiB",
    max_ram = {"app": "24KiB"},
    max_size = "1MiB",
    max_sizes = {"lib": "64KiB", "models/*.tflite": "512KiB"},
    must_contain = ["app.mpy", "models/*.tflite"],
    must_not_contain = ["**/*_test.mpy"],
)
```

`imports` mounts the image at `/rom` of a MicroPython interpreter and imports each module, which must come from
there. The packager brings one, so that nothing has to be on the machine; another is taken where one is named.
Modules of the board's hardware are what the interpreter lacks: give files that stand in for them as `stubs`.
Native code of a board runs on no other machine: `repack` builds the image again for this machine's processor,
with what the manifest compiles for `arch: board`, and needs MicroPython's unix port; `select()` still follows
the board.

`max_ram` imports each module in a fresh interpreter, and compares the heap that it takes, with all that it imports itself, as
`romfs ram` measures it: with 32-bit words as boards have, so by the packager's interpreter or one of yours that has these.

`args` are what the imported modules find in `sys.argv`. The size of the test is `small` unless it says another.
"""

def _max_sizes(ctx):
    return [
        {"match": match, "max": parse_size(ctx, "max_sizes[\"{}\"]".format(match), value)}
        for match, value in ctx.attr.max_sizes.items()
    ]

def _max_ram(ctx):
    if ctx.attr.max_ram and ctx.attr.repack:
        fail("{}: max_ram measures what the board imports, and repack makes another image of it: write two tests.".format(label_name(ctx.label)))
    return [
        {"module": module, "max": parse_size(ctx, "max_ram[\"{}\"]".format(module), value)}
        for module, value in ctx.attr.max_ram.items()
    ]

def _growth(ctx):
    """Returns the limit of growth over the base image, as the request has it; None without a base."""
    if not ctx.file.base:
        if ctx.attr.max_growth:
            fail("{}: max_growth is \"{}\", and there is no base: name the image that it is counted from.".format(label_name(ctx.label), ctx.attr.max_growth))
        return None
    value = ctx.attr.max_growth or "0"
    growth = {"base": runfiles_path(ctx, ctx.file.base), "bytes": 0, "percent": 0}
    if value.endswith("%"):
        if not value[:-1].isdigit():
            fail("{}: max_growth is \"{}\": write a number of bytes, a number with KiB or MiB, or whole percent.".format(label_name(ctx.label), value))
        growth["percent"] = int(value[:-1])
    else:
        growth["bytes"] = bytes_of(ctx, "max_growth")
    return growth

def _romfs_test_impl(ctx):
    info = require(ctx, "image", ctx.attr.image[0], RomfsImageInfo, "Name a romfs_image.")
    return launch(
        ctx,
        request = {
            "kind": "test",
            "test": {
                "growth": _growth(ctx),
                "image": runfiles_path(ctx, info.image),
                "imports": ctx.attr.imports,
                "max_ram": _max_ram(ctx),
                "max_size": bytes_of(ctx, "max_size"),
                "max_sizes": _max_sizes(ctx),
                "must_contain": ctx.attr.must_contain,
                "must_not_contain": ctx.attr.must_not_contain,
                "stubs": [runfiles_path(ctx, file) for file in ctx.files.stubs],
            },
        },
        files = [info.image, info.sidecar] + ctx.files.stubs + ctx.files.base,
        interpreter = interpreter_of(ctx),
    )

romfs_test = rule(
    implementation = _romfs_test_impl,
    doc = _DOC,
    attrs = {
        "image": attr.label(
            doc = "The image.",
            cfg = repack_transition,
            mandatory = True,
        ),
        "must_contain": attr.string_list(
            doc = "Paths in the image, or patterns (`**` for any directories), each of which must match a file.",
        ),
        "must_not_contain": attr.string_list(
            doc = "Paths in the image, or patterns, none of which may match a file.",
        ),
        "max_size": attr.string(
            doc = "The largest size of the image: bytes, or a number with `KiB` or `MiB`.",
        ),
        "max_sizes": attr.string_dict(
            doc = "The largest size of all files in a directory, or that match a pattern, together: `{\"lib\": \"64KiB\"}`.",
        ),
        "max_ram": attr.string_dict(
            doc = "The most heap that importing a module may take, with all that it imports itself: `{\"app\": \"24KiB\"}`.",
        ),
        "base": attr.label(
            doc = "An image to compare the size with, such as the one that was released last: a file, or another `romfs_image`.",
            allow_single_file = True,
        ),
        "max_growth": attr.string(
            doc = "How much larger than `base` the image may be: bytes, a number with `KiB` or `MiB`, or `5%`. By default not at all.",
        ),
        "imports": attr.string_list(
            doc = "Modules to import, in order, in one interpreter.",
        ),
        "stubs": attr.label_list(
            doc = "Python files that stand in for modules that the interpreter lacks, such as `machine.py`.",
            allow_files = [".py"],
        ),
        "repack": attr.bool(
            doc = "Whether to build the image for this machine's processor instead of its board's, and import it in MicroPython's unix port.",
        ),
    } | LAUNCH_ATTRS | IMPORT_TEST_TOOLS,
    exec_groups = {"test": exec_group()},
    test = True,
)

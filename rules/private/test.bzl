"""romfs_test: what is in an image, how large it is, and that MicroPython imports it."""

load("//rules/private:image_info.bzl", "RomfsImageInfo")
load("//rules/private:launcher.bzl", "launch", "runfiles_path")
load("//rules/private:naming.bzl", "label_name")
load("//rules/private:require.bzl", "require")
load("//rules/private:runtime_tools.bzl", "RuntimeToolsInfo")
load("//rules/private:size.bzl", "bytes_of")
load("//rules/private:transitions.bzl", "repack_transition")

_DOC = """\
Tests an image: its soundness, its files, its size, and that a real MicroPython imports from it.

```starlark
romfs_test(
    name = "image_test",
    image = ":image",
    imports = ["app"],
    max_size = "1MiB",
    must_contain = ["app.mpy", "models/*.tflite"],
    must_not_contain = ["**/*_test.mpy"],
)
```

`imports` mounts the image at `/rom` of a MicroPython interpreter, which needs that toolchain, and imports
each module, which must come from there. Modules of the board's hardware are what the interpreter lacks:
give files that stand in for them as `stubs`. Native code of a board runs on no other machine: `repack`
builds the image again for the interpreter, with what the manifest compiles for `arch: board`.
"""

def _romfs_test_impl(ctx):
    info = require(ctx, "image", ctx.attr.image[0], RomfsImageInfo, "Name a romfs_image.")
    tools = ctx.attr._tools[RuntimeToolsInfo]
    if ctx.attr.imports and not tools.micropython:
        fail(("{}: imports needs a MicroPython interpreter for the platform that runs tests: set $ROMFS_MICROPYTHON to one, " +
              "write romfs.micropython(path = \"...\") in MODULE.bazel, or register a toolchain of type " +
              "@rules_romfs//rules:micropython_toolchain_type.").format(label_name(ctx.label)))
    return launch(
        ctx,
        tools = tools,
        request = {
            "kind": "test",
            "test": {
                "image": runfiles_path(ctx, info.image),
                "imports": ctx.attr.imports,
                "max_size": bytes_of(ctx, "max_size"),
                "must_contain": ctx.attr.must_contain,
                "must_not_contain": ctx.attr.must_not_contain,
                "stubs": [runfiles_path(ctx, file) for file in ctx.files.stubs],
            },
        },
        files = [info.image, info.sidecar] + ctx.files.stubs,
    )

TEST_TOOLS = attr.label(
    default = Label("//rules/private:runtime_tools"),
    cfg = config.exec(exec_group = "test"),
    providers = [RuntimeToolsInfo],
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
        "imports": attr.string_list(
            doc = "Modules to import, in order, in one interpreter.",
        ),
        "stubs": attr.label_list(
            doc = "Python files that stand in for modules that the interpreter lacks, such as `machine.py`.",
            allow_files = [".py"],
        ),
        "repack": attr.bool(
            doc = "Whether to build the image for the interpreter instead of its board.",
        ),
        "_tools": TEST_TOOLS,
    },
    exec_groups = {"test": exec_group()},
    test = True,
)

"""romfs_diff_test: two images are the same, byte for byte, or differ by no more than a limit."""

load("//rules/private:launcher.bzl", "LAUNCH_ATTRS", "launch", "runfiles_path")
load("//rules/private:runtime_tools.bzl", "TEST_TOOLS")

_DOC = """\
Tests that an image is the same as another, byte for byte, and says which files and flash blocks differ if not.

```starlark
romfs_diff_test(
    name = "golden_test",
    image = ":image",
    expected = "testdata/image.romfs",
)
```

With `max_blocks` the images may differ, but an update of a board that has `expected` may send no more flash
blocks than that: a test that a layout does what it is chosen for, or that an update over a slow link stays small.
The block is the erase unit of the image's board, else 4096 bytes.
"""

def _romfs_diff_test_impl(ctx):
    return launch(
        ctx,
        request = {
            "diff": {
                "expected": runfiles_path(ctx, ctx.file.expected),
                "image": runfiles_path(ctx, ctx.file.image),
                "max_blocks": ctx.attr.max_blocks,
            },
            "kind": "diff",
        },
        files = [ctx.file.image, ctx.file.expected],
    )

romfs_diff_test = rule(
    implementation = _romfs_diff_test_impl,
    doc = _DOC,
    attrs = {
        "image": attr.label(
            doc = "The image: a `romfs_image`, or a file.",
            allow_single_file = True,
            mandatory = True,
        ),
        "expected": attr.label(
            doc = "What it should be: a file, or another `romfs_image`.",
            allow_single_file = True,
            mandatory = True,
        ),
        "max_blocks": attr.int(
            doc = "How many flash blocks a deploy over `expected` may send. By default the images have to be equal.",
            default = -1,
        ),
    } | LAUNCH_ATTRS | TEST_TOOLS,
    exec_groups = {"test": exec_group()},
    test = True,
)

"""romfs_diff_test: two images are the same, byte for byte."""

load("//rules/private:launcher.bzl", "launch", "runfiles_path")
load("//rules/private:runtime_tools.bzl", "RuntimeToolsInfo")
load("//rules/private:test.bzl", "TEST_TOOLS")

_DOC = """\
Tests that an image is the same as another, byte for byte, and says which files and flash blocks differ if not.

```starlark
romfs_diff_test(
    name = "golden_test",
    image = ":image",
    expected = "testdata/image.romfs",
)
```
"""

def _romfs_diff_test_impl(ctx):
    return launch(
        ctx,
        tools = ctx.attr._tools[RuntimeToolsInfo],
        request = {
            "diff": {
                "expected": runfiles_path(ctx, ctx.file.expected),
                "image": runfiles_path(ctx, ctx.file.image),
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
        "_tools": TEST_TOOLS,
    },
    exec_groups = {"test": exec_group()},
    test = True,
)

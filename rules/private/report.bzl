"""romfs_report: the page about an image, compared with an older one."""

load("//rules/private:about.bzl", "say_page")
load("//rules/private:actions.bzl", "TOOLCHAINS")
load("//rules/private:image_info.bzl", "RomfsImageInfo")
load("//rules/private:require.bzl", "require")
load("//rules/private:transitions.bzl", "board_transition")

_DOC = """\
A page about an image: where everything lies, what it costs, and what has changed since an older one.

```starlark
romfs_report(
    name = "report",
    base = "released/image.romfs",
    image = ":image",
)
```

It is what `romfs report` draws: one HTML file, `<name>.html`, which needs no network. Without `base` it is the output group
`report` of the image.
"""

def _base(ctx):
    target = ctx.attr.base
    if not target:
        return None
    if RomfsImageInfo in target:
        info = target[RomfsImageInfo]
        return struct(image = info.image, files = [info.sidecar])
    return struct(image = ctx.file.base, files = [])

def _romfs_report_impl(ctx):
    info = require(ctx, "image", ctx.attr.image, RomfsImageInfo, "Name a romfs_image.")
    out = ctx.actions.declare_file(ctx.attr.out or ctx.label.name + ".html")
    say_page(ctx, info, out, _base(ctx))
    return [DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([out]))]

romfs_report = rule(
    implementation = _romfs_report_impl,
    doc = _DOC,
    cfg = board_transition,
    attrs = {
        "image": attr.label(
            doc = "The image.",
            mandatory = True,
        ),
        "base": attr.label(
            doc = "An older image to compare it with, such as the one that was released last: a file, or another `romfs_image`.",
            allow_single_file = True,
        ),
        "out": attr.string(
            doc = "The page's file; by default `<name>.html`.",
        ),
        "board": attr.label(
            doc = "The board: one of `@rules_romfs//rules/boards`, or a `romfs_board`. By default what the image, the flag, the platform or the manifest says.",
        ),
    },
    toolchains = TOOLCHAINS,
)

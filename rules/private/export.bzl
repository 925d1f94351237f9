"""romfs_export: an image as a file for a flash programmer."""

load("//rules/private:actions.bzl", "TOOLCHAINS", "add_board", "arguments", "run")
load("//rules/private:image_info.bzl", "RomfsImageInfo")
load("//rules/private:require.bzl", "require")
load("//rules/private:transitions.bzl", "board_transition")

_DOC = """\
An image as a file that factories and bootloaders take, at its partition's address on the board.

```starlark
romfs_export(
    name = "factory",
    format = "hex",
    image = ":image",
)
```

The file is `<name>.<format>`, or `out`. It is the one that `romfs export` writes; before the target is built, the file
is read back, and what it puts at the address is compared with the image.
"""

def _romfs_export_impl(ctx):
    info = require(ctx, "image", ctx.attr.image, RomfsImageInfo, "Name a romfs_image.")
    out = ctx.actions.declare_file(ctx.attr.out or ctx.label.name + "." + ctx.attr.format)
    args = arguments(ctx, "export")
    flags = args[1]
    board_inputs = add_board(flags, info.board)
    flags.add(info.image, format = "--packed=%s")
    flags.add(info.sidecar, format = "--sidecar=%s")
    flags.add(ctx.attr.format, format = "--format=%s")
    flags.add(ctx.attr.pad, format = "--pad=%s")
    flags.add(ctx.attr.address, format = "--address=%s")
    flags.add(ctx.attr.uf2_family, format = "--uf2-family=%s")
    flags.add(out, format = "--out=%s")
    run(
        ctx,
        mnemonic = "RomfsExport",
        message = "Writing %{output}",
        args = args,
        inputs = [info.image, info.sidecar] + board_inputs,
        outputs = [out],
    )
    return [DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([out]))]

romfs_export = rule(
    implementation = _romfs_export_impl,
    doc = _DOC,
    cfg = board_transition,
    attrs = {
        "image": attr.label(
            doc = "The image.",
            mandatory = True,
        ),
        "format": attr.string(
            doc = "`img`: the bytes as they lie in the partition; `dfu`: DfuSe; `uf2`; `hex`: Intel HEX.",
            mandatory = True,
            values = ["img", "dfu", "uf2", "hex"],
        ),
        "out": attr.string(
            doc = "The file's name.",
        ),
        "pad": attr.string(
            doc = "What is filled up with 0xff: `erase`, whole erase blocks, where the erase unit is known; `partition`; or `none`.",
            values = ["", "erase", "partition", "none"],
        ),
        "address": attr.string(
            doc = "The address of the partition's first byte, such as `0x10100000`. Overrides the board's.",
        ),
        "uf2_family": attr.string(
            doc = "The family of the chip, a name or number. Overrides the board's.",
        ),
        "board": attr.label(
            doc = "The board: one of `@rules_romfs//rules/boards`, or a `romfs_board`. By default what the image, the flag, the platform or the manifest says.",
        ),
    },
    toolchains = TOOLCHAINS,
)

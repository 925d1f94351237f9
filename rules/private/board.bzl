"""romfs_board: a board that the packager does not know, from its file."""

load("//rules/private:board_info.bzl", "RomfsBoardInfo")

def _romfs_board_impl(ctx):
    return [
        DefaultInfo(files = depset([ctx.file.profile])),
        RomfsBoardInfo(data = ctx.files.data, id = "", profile = ctx.file.profile),
    ]

romfs_board = rule(
    implementation = _romfs_board_impl,
    doc = """\
A board of your own, described by a board file.

The boards that rules_romfs ships are in `@rules_romfs//rules/boards`; `romfs boards` lists them.

```starlark
romfs_board(
    name = "sensor-node",
    profile = "sensor-node.yaml",
)

romfs_image(
    name = "image",
    board = ":sensor-node",
    manifest = "romfs.yaml",
)
```

To choose it for a whole build: `--@rules_romfs//rules:board=//boards:sensor-node`.
""",
    attrs = {
        "profile": attr.label(
            doc = "The board file: the board's partitions, alignment rules and bytecode version (`romfs schema board`).",
            allow_single_file = [".yaml", ".yml"],
            mandatory = True,
        ),
        "data": attr.label_list(
            doc = "Files that the board file names, which deploys need: the public key of its `require_signature`.",
            allow_files = True,
        ),
    },
    provides = [RomfsBoardInfo],
)

def _no_board_impl(_ctx):
    return [RomfsBoardInfo(data = [], id = "", profile = None)]

no_board = rule(
    implementation = _no_board_impl,
    doc = "No board: the manifest names one, or the image is for any.",
    provides = [RomfsBoardInfo],
)

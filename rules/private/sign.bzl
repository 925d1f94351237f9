"""romfs_sign: `bazel run` signs an image."""

load("//rules/private:image_info.bzl", "RomfsImageInfo")
load("//rules/private:launcher.bzl", "LAUNCH_ATTRS", "expand", "launch", "runfiles_path")
load("//rules/private:require.bzl", "require")
load("//rules/private:runtime_tools.bzl", "RUN_TOOLS")
load("//rules/private:transitions.bzl", "board_transition")

_DOC = """\
Signs an image: `bazel run //app:sign` does what `romfs sign` does with the same image.

```starlark
romfs_sign(
    name = "sign",
    image = ":image",
)

romfs_deploy(
    name = "deploy",
    image = ":image",
    require_signature = ["//keys:release.pub.pem"],
    signature = "image.romfs.dsse.json",
)
```

```sh
bazel run //app:sign -- --key ~/keys/release.pem
bazel run //app:sign -- --key env:RELEASE_KEY
bazel run //app:sign -- --key keys/release.pub.pem --signer "ask-kms sign"
```

The envelope is written into the source tree, into the target's package, where it can be committed and named by deploys;
`-- --out FILE` writes another file. Signing is no action: it runs on the machine that `bazel run` was called on, outside of
every cache, and the key is an input of nothing. Flags after `--` are those of `romfs sign`; files in them are relative
to the directory that `bazel run` was called in.
"""

def _romfs_sign_impl(ctx):
    info = require(ctx, "image", ctx.attr.image, RomfsImageInfo, "Name a romfs_image.")
    out = ctx.attr.out or info.image.basename + ".dsse.json"
    return launch(
        ctx,
        request = {
            "kind": "sign",
            "sign": {
                "flags": [expand(ctx, flag) for flag in ctx.attr.flags],
                "image": runfiles_path(ctx, info.image),
                "out": "/".join([part for part in [ctx.label.package, out] if part]),
            },
        },
        files = [info.image, info.sidecar],
    )

romfs_sign = rule(
    implementation = _romfs_sign_impl,
    doc = _DOC,
    cfg = board_transition,
    attrs = {
        "image": attr.label(
            doc = "The image.",
            mandatory = True,
        ),
        "board": attr.label(
            doc = "The board to make the image for: one of `@rules_romfs//rules/boards`, or a `romfs_board`. " +
                  "By default what the image, the flag, the platform or the manifest says.",
        ),
        "out": attr.string(
            doc = "The envelope's file, in the target's package of the source tree; by default `<image>.dsse.json`.",
        ),
        "flags": attr.string_list(
            doc = "Further flags of `romfs sign`, such as `--signer=...`; `$(location ...)` of something in `data` is its path.",
        ),
    } | LAUNCH_ATTRS | RUN_TOOLS,
    executable = True,
)

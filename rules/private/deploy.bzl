"""romfs_deploy and romfs_deploy_all: `bazel run` puts images into boards' ROM partitions."""

load("//rules/private:deploy_info.bzl", "RomfsDeployInfo")
load("//rules/private:image_info.bzl", "RomfsImageInfo")
load("//rules/private:launcher.bzl", "board_request", "launch", "runfiles_path")
load("//rules/private:require.bzl", "require")
load("//rules/private:runtime_tools.bzl", "RuntimeToolsInfo")
load("//rules/private:transitions.bzl", "board_transition", "host_transition")

_DEPLOY_DOC = """\
Deploys an image: `bazel run //app:deploy` does what `romfs deploy` does with the same image.

```starlark
romfs_deploy(
    name = "deploy",
    image = ":image",
    partition = "romfs0",
)
```

Only what differs is sent; the image is committed by one smallest write, so that a board never mounts half
of one; its digest is read back from the board. Flags after `--` are those of `romfs deploy` and override
the attributes:

```console
$ bazel run //app:deploy -- --port /dev/ttyACM0
$ bazel run //app:deploy -- --dry-run
```

Files in such flags are relative to the directory that `bazel run` was called in. Without a port, the one
board of that kind on USB is taken; `port = "sim:"` is a simulated one, which needs a MicroPython toolchain.

The target is also an executable that works without Bazel: `bazel-bin/app/deploy --port /dev/ttyACM0`.
"""

def _romfs_deploy_impl(ctx):
    info = require(ctx, "image", ctx.attr.image, RomfsImageInfo, "Name a romfs_image.")
    request = {
        "board": board_request(ctx, info.board),
        "flags": ctx.attr.flags,
        "imports": ctx.attr.imports,
        "image": runfiles_path(ctx, info.image),
        "partition": ctx.attr.partition,
        "port": ctx.attr.port,
        "target": str(ctx.label),
    }
    files = [info.image, info.sidecar]
    if info.board.profile:
        files.append(info.board.profile)
    return launch(
        ctx,
        tools = ctx.attr._tools[0][RuntimeToolsInfo],
        request = {"deploys": [request], "kind": "deploy"},
        files = files,
    ) + [RomfsDeployInfo(deploys = (struct(files = files, request = struct(**request)),))]

_TOOLS = attr.label(
    default = Label("//rules/private:runtime_tools"),
    cfg = host_transition,
    providers = [RuntimeToolsInfo],
)

romfs_deploy = rule(
    implementation = _romfs_deploy_impl,
    doc = _DEPLOY_DOC,
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
        "partition": attr.string(
            doc = "The ROM partition, by name or index; by default the one that the image was laid out for.",
        ),
        "port": attr.string(
            doc = "Where the board is: `/dev/…`, `COM…`, `socket://host:port`, `rfc2217://host:port`, `exec:command`, or `sim:`. " +
                  "Better left to `-- --port` or the ports file where machines differ.",
        ),
        "imports": attr.string_list(
            doc = "Modules that the board imports afterwards, as a last proof; they must come from the image.",
        ),
        "flags": attr.string_list(
            doc = "Further flags of `romfs deploy`, such as `--no-run`.",
        ),
        "_tools": _TOOLS,
    },
    executable = True,
)

_DEPLOY_ALL_DOC = """\
Deploys several images, one after the other: `bazel run //fleet:deploy_all`.

```starlark
romfs_deploy_all(
    name = "deploy_all",
    deploys = [
        "//apps/blinker:deploy",
        "//apps/logger:deploy",
    ],
)
```

Every deploy is tried, whatever became of the ones before; the result tells each, and the exit code is the
first failure's. Flags after `--` go to every deploy.
"""

def _romfs_deploy_all_impl(ctx):
    deploys = []
    for target in ctx.attr.deploys:
        deploys += list(require(ctx, "deploys", target, RomfsDeployInfo, "Name romfs_deploy targets.").deploys)
    files = []
    for deploy in deploys:
        files += deploy.files
    return launch(
        ctx,
        tools = ctx.attr._tools[0][RuntimeToolsInfo],
        request = {"deploys": [deploy.request for deploy in deploys], "kind": "deploy"},
        files = files,
    ) + [RomfsDeployInfo(deploys = tuple(deploys))]

romfs_deploy_all = rule(
    implementation = _romfs_deploy_all_impl,
    doc = _DEPLOY_ALL_DOC,
    attrs = {
        "deploys": attr.label_list(
            doc = "The deploys, in their order.",
            allow_empty = False,
            mandatory = True,
        ),
        "_tools": _TOOLS,
    },
    executable = True,
)

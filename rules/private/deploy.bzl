"""romfs_deploy and romfs_deploy_all: `bazel run` puts images into boards' ROM partitions; romfs_deploy_test does in a test."""

load("//rules/private:deploy_info.bzl", "RomfsDeployInfo")
load("//rules/private:image_info.bzl", "RomfsImageInfo")
load("//rules/private:launcher.bzl", "LAUNCH_ATTRS", "board_request", "expand", "launch", "runfiles_path")
load("//rules/private:naming.bzl", "label_name")
load("//rules/private:require.bzl", "require")
load("//rules/private:runtime_tools.bzl", "DEPLOY_TEST_TOOLS", "DEPLOY_TOOLS", "RUN_TOOLS", "interpreter_of")
load("//rules/private:transitions.bzl", "board_transition")

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

```sh
bazel run //app:deploy -- --port /dev/ttyACM0
bazel run //app:deploy -- --dry-run
```

Files in such flags are relative to the directory that `bazel run` was called in. The port is the flag's, else the
attribute's, else what the ports file says of the target (`name: //app:deploy`) or of the board, else the one board
of that kind on USB. `sim:` is a simulated one, which needs a MicroPython toolchain: say so by `port` or `sim`.

The target is also an executable that works without Bazel: `bazel run --script_path=deploy.sh //app:deploy` writes
a script that starts it, and `bazel cquery --output=files //app:deploy` prints where it lies.
"""

def _own(ctx, file):
    """Links a file of the image under the deploy's name.

    One image for two boards is two files of one name among the runfiles of whoever runs both deploys.
    """
    own = ctx.actions.declare_file("{}.deploys/{}".format(ctx.label.name, file.basename))
    ctx.actions.symlink(output = own, target_file = file, progress_message = "Linking %{output}")
    return own

def _deploy(ctx):
    info = require(ctx, "image", ctx.attr.image, RomfsImageInfo, "Name a romfs_image.")
    image = _own(ctx, info.image)
    request = {
        "board": board_request(ctx, info.board),
        "flags": [expand(ctx, flag) for flag in ctx.attr.flags],
        "imports": ctx.attr.imports,
        "image": runfiles_path(ctx, image),
        "partition": ctx.attr.partition,
        "port": ctx.attr.port,
        "require_signature": [runfiles_path(ctx, key) for key in ctx.files.require_signature],
        "signature": runfiles_path(ctx, ctx.file.signature) if ctx.file.signature else "",
        "target": str(ctx.label),
    }
    if ctx.file.signature and not ctx.files.require_signature and not info.board.profile:
        fail("{}: signature names an envelope, and nothing says by which key: name the public keys in require_signature.".format(label_name(ctx.label)))
    files = [image, _own(ctx, info.sidecar)] + ctx.files.require_signature + ctx.files.signature
    if info.board.profile:
        files += [info.board.profile] + info.board.data
    return struct(
        files = files + ctx.files.data,
        interpreter = interpreter_of(ctx),
        request = struct(**request),
    )

def _launch(ctx, deploys, jobs = 1, kind = "deploy"):
    interpreter = None
    files = []
    for deploy in deploys:
        files += deploy.files
        interpreter = interpreter or deploy.interpreter
    return launch(
        ctx,
        request = {"deploys": [deploy.request for deploy in deploys], "jobs": jobs, "kind": kind},
        files = files,
        interpreter = interpreter,
    )

def _romfs_deploy_impl(ctx):
    deploy = _deploy(ctx)
    return _launch(ctx, [deploy]) + [RomfsDeployInfo(deploys = (deploy,))]

def _deploy_attrs(port):
    return {
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
        "port": attr.string(doc = port),
        "sim": attr.bool(
            doc = "Whether to bring along the interpreter of the simulated board, for `sim:` from elsewhere than the attribute.",
        ),
        "imports": attr.string_list(
            doc = "Modules that the board imports afterwards, as a last proof; they must come from the image.",
        ),
        "require_signature": attr.label_list(
            doc = "Public keys in PEM form, by one of which the image must be signed, before the board is touched. " +
                  "What the ports file or the board file demands has to be met as well.",
            allow_files = True,
        ),
        "signature": attr.label(
            doc = "The envelope with the signature, which `romfs_sign` wrote; `-- --signature FILE` names one at run time.",
            allow_single_file = [".json"],
        ),
        "flags": attr.string_list(
            doc = "Further flags of `romfs deploy`, such as `--no-run`; `$(location ...)` of something in `data` is its path.",
        ),
    } | LAUNCH_ATTRS

romfs_deploy = rule(
    implementation = _romfs_deploy_impl,
    doc = _DEPLOY_DOC,
    cfg = board_transition,
    attrs = _deploy_attrs(
        "Where the board is: `/dev/...`, `COM...`, `socket://host:port`, `rfc2217://host:port`, `exec:command`, `sim:`, " +
        "a USB serial number, or a name in the ports file. Better left to `-- --port` or the ports file where machines differ.",
    ) | DEPLOY_TOOLS,
    executable = True,
)

_DEPLOY_ALL_DOC = """\
Deploys several images: `bazel run //fleet:deploy_all`.

```starlark
romfs_deploy_all(
    name = "deploy_all",
    deploys = [
        "//apps/blinker:deploy",
        "//apps/logger:deploy",
    ],
    jobs = 8,
)
```

Every deploy is tried, whatever became of the ones before; the result tells each, and the exit code is the
first failure's. With `jobs` several boards are written at once, and what a deploy prints comes when it is done;
deploys to one port keep their order. Which board is whose, the ports file of each machine says by target:

```yaml
version: 1
boards:
  - {name: //apps/blinker:deploy, port: /dev/ttyACM0}
  - {name: //apps/logger:deploy, serial: 3154387a}
```

Flags after `--` go to every deploy.
"""

def _romfs_deploy_all_impl(ctx):
    deploys = []
    for target in ctx.attr.deploys:
        deploys += list(require(ctx, "deploys", target, RomfsDeployInfo, "Name romfs_deploy targets.").deploys)
    if ctx.attr.jobs < 1:
        fail("{}: jobs is {}: write how many boards are written at once, at least 1.".format(label_name(ctx.label), ctx.attr.jobs))
    return _launch(ctx, deploys, ctx.attr.jobs) + [RomfsDeployInfo(deploys = tuple(deploys))]

romfs_deploy_all = rule(
    implementation = _romfs_deploy_all_impl,
    doc = _DEPLOY_ALL_DOC,
    attrs = {
        "deploys": attr.label_list(
            doc = "The deploys, in their order.",
            allow_empty = False,
            mandatory = True,
        ),
        "jobs": attr.int(
            doc = "How many boards are written at once.",
            default = 1,
        ),
    } | LAUNCH_ATTRS | RUN_TOOLS,
    executable = True,
)

_DEPLOY_TEST_DOC = """\
Deploys an image in a test, and imports from it on the board: the last step of CI on real hardware.

```starlark
romfs_deploy_test(
    name = "hardware_test",
    image = ":image",
    imports = ["app", "app.selftest"],
)
```

```sh
bazel test //app:hardware_test --test_env=ROMFS_PORT=/dev/ttyACM0
```

The board is the one at `$ROMFS_PORT` of the test's environment, else the attribute's, else the one board of that kind
on USB. The test never runs beside others, on another machine, or from a cache (its tags say `exclusive`, `external`,
`no-cache`, `no-remote`, and `hardware`, by which `--test_tag_filters=-hardware` leaves such tests out). With `port =
"sim:"` it runs on the simulated board, as any other test.
"""

romfs_deploy_test = rule(
    implementation = lambda ctx: _launch(ctx, [_deploy(ctx)], kind = "deploy_test"),
    doc = _DEPLOY_TEST_DOC,
    cfg = board_transition,
    attrs = _deploy_attrs(
        "Where the board is, if the test's environment has no `ROMFS_PORT`.",
    ) | DEPLOY_TEST_TOOLS,
    exec_groups = {"test": exec_group()},
    test = True,
)

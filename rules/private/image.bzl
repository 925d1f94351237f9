"""romfs_image: a manifest and sources become one image."""

load("//rules/private:about.bzl", "say_bill", "say_packages", "say_page", "say_ram")
load("//rules/private:actions.bzl", "ACTION_ATTRS", "EXEC_GROUPS", "TOOLCHAINS", "add_board", "add_plans", "arguments", "build_defaults", "compiler_of", "plan", "run")
load("//rules/private:board_info.bzl", "BOARD_ATTRS", "board_of")
load("//rules/private:image_info.bzl", "RomfsImageInfo")
load("//rules/private:library.bzl", "libraries")
load("//rules/private:naming.bzl", "label_name")
load("//rules/private:packages.bzl", "packages_aspect")
load("//rules/private:python.bzl", "python_aspect", "with_python")
load("//rules/private:require.bzl", "require")
load("//rules/private:runtime_tools.bzl", "MEASURE_TOOLS")
load("//rules/private:size.bzl", "bytes_of")
load("//rules/private:transitions.bzl", "board_transition")

_DOC = """\
A ROMFS image, from a manifest and the sources that it names.

```starlark
romfs_image(
    name = "image",
    srcs = glob(["src/**", "models/*"]),
    board = "@rules_romfs//rules/boards:openmv-n6",
    manifest = "romfs.yaml",
    deps = [":drivers"],
)
```

The image is `<name>.romfs`, its sidecar `<name>.romfs.json`. They are the bytes that
`romfs build romfs.yaml` makes of the same files.

**What the manifest sees** is what `srcs` declares, never the source tree: a file that a rule names and
`srcs` does not is an error that says which label to add, and a pattern matches declared files only.

**Transforms** of the manifest run as actions, one a file, with the executables in `transforms`. Of a
manifest with several `images`, each is a target of its own, chosen by `partition`.

**Libraries** in `deps` are placed by their own `dest`, after the manifest's files. Two sources for one
destination are an error that names both.

**The board** is the attribute's, else that of the flag `--@rules_romfs//rules:board` or of the platform
(`--platforms=@rules_romfs//rules/boards:openmv-n6`), else the manifest's.

**Speed.** One action plans, from names alone; one compiles each Python source; one packs. Boards with
the same bytecode share the compiled files where actions are cached and paths mapped
(`--experimental_output_paths=strip`).

Output groups:

| group | files |
| --- | --- |
| `sidecar` | `<name>.romfs.json`: board, layout, each file's offset and digests |
| `digest` | `<name>.romfs.sha256`: the image's sha256 in hexadecimal |
| `origins` | `<name>.romfs.origins.json`: the label that brought each file |
| `effective_manifest` | `<name>.effective.yaml`: a manifest that names every file; in the workspace's root, `romfs build bazel-out/.../<name>.effective.yaml` makes the same image and sidecar |
| `hashed` | `<name>.hashed/`: the image and its sidecar under their content-hashed names |
| `ram` | `<name>.romfs.ram.json`: what importing each module takes of the heap, as `romfs ram` measures it |
| `report` | `<name>.romfs.html`: the page that `romfs report` draws, with these figures |
| `sbom` | `<name>.romfs.cdx.json`: the bill of materials, CycloneDX 1.6 |
| `sbom_spdx` | `<name>.romfs.spdx.json`: the same as SPDX 2.3 |

A budget in the manifest is checked by a validation action, which `--norun_validations` turns off; an
image that does not fit its partition, or has bytecode that its board does not load, fails to pack.
"""

def _nested_images(ctx):
    images = {}
    for target, name in _named(ctx, "images"):
        images[name] = require(ctx, "images", target, RomfsImageInfo, "Name the romfs_image that makes {}'s image.".format(name))
    return images

def _named(ctx, attribute):
    """Returns the targets of an attribute with their names, of which one target can have several, a line each."""
    pairs = []
    names = {}
    for target, value in getattr(ctx.attr, attribute).items():
        for name in value.split("\n"):
            if name in names:
                fail("{}: {} has two targets for \"{}\".".format(label_name(ctx.label), attribute, name))
            names[name] = None
            pairs.append((target, name))
    return pairs

def _transforms(ctx):
    tools = []
    for target, name in _named(ctx, "transforms"):
        files_to_run = target[DefaultInfo].files_to_run
        if not files_to_run.executable:
            fail("{}: transforms names {}, which cannot be run. Name an executable target or file for \"{}\".".format(label_name(ctx.label), label_name(target.label), name))
        tools.append(struct(name = name, executable = files_to_run.executable, files_to_run = files_to_run))
    return struct(tools = tools, inputs = ctx.files.transform_inputs)

def _overrides(ctx):
    defaults = build_defaults(ctx)
    attrs = {
        "default-optimize": "" if defaults.optimize == None else str(defaults.optimize),
        "default-emit": defaults.emit,
        "partition": ctx.attr.partition,
        "layout": ctx.attr.layout,
        "partition-size": bytes_of(ctx, "partition_size"),
    }
    return {flag: value for flag, value in attrs.items() if value}

def _pack(ctx, planned, board, images, deps, effective):
    image = ctx.outputs.out or ctx.actions.declare_file(ctx.label.name + ".romfs")
    if image.extension not in ("romfs", "img"):
        fail("{}: out is \"{}\": end it in .romfs or .img, by which `romfs` knows an image.".format(label_name(ctx.label), image.basename))
    sidecar = ctx.actions.declare_file(image.basename + ".json", sibling = image)
    digest = ctx.actions.declare_file(image.basename + ".sha256", sibling = image)
    origins = ctx.actions.declare_file(image.basename + ".origins.json", sibling = image)

    args = arguments(ctx, "pack")
    flags = args[1]
    plans = add_plans(flags, planned, deps, images)
    board_inputs = add_board(flags, board)
    flags.add(bytes_of(ctx, "partition_size"), format = "--partition-size=%s")
    mpy_cross = compiler_of(ctx)
    if mpy_cross:
        flags.add(mpy_cross.version, format = "--mpy-cross-version=%s")
    flags.add(image, format = "--out=%s")
    flags.add(digest, format = "--digest=%s")
    flags.add(origins, format = "--origins=%s")
    nested = []
    for info in images.values():
        nested += [info.image, info.sidecar]
    run(
        ctx,
        mnemonic = "RomfsPack",
        message = "Packing %{label}",
        args = args,
        inputs = depset(
            planned.files + board_inputs + nested,
            transitive = [plans] + [dep.files for dep in deps],
        ),
        outputs = [image, sidecar, digest, origins],
    )
    return RomfsImageInfo(
        board = board,
        digest = digest,
        effective_manifest = effective,
        image = image,
        origins = origins,
        packages = say_packages(ctx, image, sidecar, origins, images),
        plan = planned.plan,
        ram = say_ram(ctx, image, planned, deps, images),
        sidecar = sidecar,
    )

def _effective_manifest(ctx, planned, board, images, deps):
    out = ctx.actions.declare_file(ctx.label.name + ".effective.yaml")
    args = arguments(ctx, "effective")
    flags = args[1]
    plans = add_plans(flags, planned, deps, images)
    board_inputs = add_board(flags, board)
    flags.add(out, format = "--out=%s")
    run(
        ctx,
        mnemonic = "RomfsEffectiveManifest",
        message = "Writing the effective manifest of %{label}",
        args = args,
        inputs = depset(board_inputs, transitive = [plans]),
        outputs = [out],
    )
    return out

def _validate(ctx, planned, info):
    out = ctx.actions.declare_file(ctx.label.name + ".romfs.valid")
    args = arguments(ctx, "validate")
    flags = args[1]
    flags.add(planned.plan, format = "--plan=%s")
    flags.add(info.sidecar, format = "--sidecar=%s")
    flags.add(out, format = "--out=%s")
    run(
        ctx,
        mnemonic = "RomfsValidate",
        message = "Validating %{label}",
        args = args,
        inputs = [planned.plan, info.sidecar],
        outputs = [out],
    )
    return out

def _hashed(ctx, info):
    out = ctx.actions.declare_directory(ctx.label.name + ".hashed")
    args = arguments(ctx, "publish")
    flags = args[1]
    flags.add(info.image, format = "--packed=%s")
    flags.add(info.sidecar, format = "--sidecar=%s")
    flags.add_all([out], expand_directories = False, format_each = "--out-dir=%s")
    run(
        ctx,
        mnemonic = "RomfsPublish",
        message = "Naming %{label} by its content",
        args = args,
        inputs = [info.image, info.sidecar],
        outputs = [out],
    )
    return out

def _page(ctx, info):
    out = ctx.actions.declare_file(info.image.basename + ".html", sibling = info.image)
    say_page(ctx, info, out)
    return out

def _romfs_image_impl(ctx):
    board = board_of(ctx)
    images = _nested_images(ctx)
    srcs = with_python(ctx.attr.srcs, ctx.files.srcs)
    deps = libraries(ctx) + srcs.libraries
    planned = plan(
        ctx,
        manifest = ctx.file.manifest,
        sources = depset(srcs.files + ctx.files.transform_inputs).to_list(),
        board = board,
        images = images.keys(),
        overrides = _overrides(ctx),
        transforms = _transforms(ctx),
    )
    effective = _effective_manifest(ctx, planned, board, images, deps)
    info = _pack(ctx, planned, board, images, deps, effective)
    return [
        DefaultInfo(
            files = depset([info.image]),
            runfiles = ctx.runfiles([info.image, info.sidecar]),
        ),
        OutputGroupInfo(
            _validation = depset([_validate(ctx, planned, info)]),
            digest = depset([info.digest]),
            effective_manifest = depset([effective]),
            hashed = depset([_hashed(ctx, info)]),
            origins = depset([info.origins]),
            ram = depset([info.ram]),
            report = depset([_page(ctx, info)]),
            sbom = depset([say_bill(ctx, info, "cyclonedx", ".cdx.json")]),
            sbom_spdx = depset([say_bill(ctx, info, "spdx", ".spdx.json")]),
            sidecar = depset([info.sidecar]),
        ),
        info,
    ]

romfs_image = rule(
    implementation = _romfs_image_impl,
    doc = _DOC,
    cfg = board_transition,
    attrs = {
        "manifest": attr.label(
            doc = "The manifest (`romfs schema` describes it). For an image without one, see `romfs_image_from_srcs`.",
            allow_single_file = [".yaml", ".yml", ".json"],
            mandatory = True,
        ),
        "srcs": attr.label_list(
            doc = "Every file that the manifest names or its patterns match. Of a `py_library`, what it depends on comes along, as from `deps`.",
            allow_files = True,
            aspects = [python_aspect, packages_aspect],
        ),
        "deps": attr.label_list(
            doc = "Libraries: `mpy_library` targets, placed by their own `dest`, and `py_library` targets, with all that they depend on, " +
                  "placed by their import paths from the image's root.",
            aspects = [python_aspect, packages_aspect],
        ),
        "images": attr.label_keyed_string_dict(
            doc = "Nested images: for each `image:` of the manifest the target that makes it, with the path as the manifest writes it: " +
                  "`{\":common\": \"../common/romfs.yaml\"}`; of several paths, a list.",
        ),
        "transforms": attr.label_keyed_string_dict(
            doc = "What the manifest's transforms run: executable targets or files, with the name that the manifest has for each, " +
                  "which is a preset's or the first word of `run`: `{\"//tools:pack_table\": \"tools/pack_table\"}`. " +
                  "`haar` needs none. Of several names, a list.",
            allow_files = True,
            cfg = "exec",
        ),
        "transform_inputs": attr.label_list(
            doc = "What transforms read besides their sources: the `inputs` of the manifest.",
            allow_files = True,
        ),
        "stubs": attr.label_list(
            doc = "Python files that stand in for modules that the interpreter lacks, such as `machine.py`, where the RAM of modules is measured.",
            allow_files = [".py"],
        ),
        "board": attr.label(
            doc = "The board: one of `@rules_romfs//rules/boards`, or a `romfs_board`. Overrides flag, platform and manifest.",
        ),
        "partition": attr.string(
            doc = "The board's ROM partition, by name or index. Overrides the manifest's; of a manifest with several `images` " +
                  "it chooses the one for that partition.",
        ),
        "partition_size": attr.string(
            doc = "The size of the partition: bytes, or a number with `KiB` or `MiB`. Overrides the board's; " +
                  "for families of boards, such as `rp2`, only the firmware's builder knows it.",
        ),
        "layout": attr.string(
            doc = "How files are laid out. Overrides the manifest's.",
            values = ["", "compact", "stable", "openmv"],
        ),
        "out": attr.output(
            doc = "The image's file, which ends in `.romfs` or `.img`; by default `<name>.romfs`. The sidecar and the other files are called after it.",
        ),
    } | ACTION_ATTRS | BOARD_ATTRS | MEASURE_TOOLS,
    exec_groups = EXEC_GROUPS,
    provides = [RomfsImageInfo],
    toolchains = TOOLCHAINS,
)

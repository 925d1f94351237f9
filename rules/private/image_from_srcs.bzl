"""romfs_image_from_srcs: an image whose manifest is written from attributes."""

load("//rules/private:image.bzl", "romfs_image")
load("//rules/private:naming.bzl", "label_name", "package_name", "source_name")

def _romfs_manifest_impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".yaml")
    package = package_name(ctx.label)
    below = len(ctx.label.name.split("/")) - 1 + (len(package.split("/")) if package else 0)
    strip = "/".join([part for part in [package, ctx.attr.strip_prefix.strip("/")] if part])
    files = []
    for file in ctx.files.srcs:
        name = source_name(file)
        if not strip:
            path = name
        elif name.startswith(strip + "/"):
            path = name[len(strip) + 1:]
        else:
            fail("{}: source {} is not below {}: set strip_prefix, or make an mpy_library in its own package.".format(
                label_name(ctx.label),
                name,
                strip,
            ))
        files.append({
            "src": name,
            "dest": "/".join([part for part in [ctx.attr.dest.strip("/"), path] if part]),
        })
    manifest = {
        "version": 1,
        "name": ctx.attr.image_name,
        "root": "/".join([".."] * below) or ".",
        "mpy": {
            "compile": ctx.attr.compile,
            "optimize": ctx.attr.optimize,
        },
        "files": files,
    }
    if ctx.attr.align:
        manifest["align"] = [
            {"match": match, "to": int(to)}
            for match, to in ctx.attr.align.items()
        ]
    if ctx.attr.max_size:
        manifest["budget"] = {"max": ctx.attr.max_size}

    # JSON is YAML.
    ctx.actions.write(out, json.encode_indent(manifest, indent = "  ") + "\n")
    return [DefaultInfo(files = depset([out]))]

_romfs_manifest = rule(
    implementation = _romfs_manifest_impl,
    doc = "Writes a manifest that names each source.",
    attrs = {
        "align": attr.string_dict(),
        "compile": attr.bool(default = True),
        "dest": attr.string(default = "/"),
        "image_name": attr.string(mandatory = True),
        "max_size": attr.string(),
        "optimize": attr.int(),
        "srcs": attr.label_list(allow_files = True),
        "strip_prefix": attr.string(),
    },
)

def romfs_image_from_srcs(
        name,
        srcs = [],
        deps = [],
        dest = "/",
        strip_prefix = "",
        compile = True,
        optimize = 0,
        align = {},
        max_size = "",
        **kwargs):
    """An image without a manifest file: sources keep their paths, below one destination.

    ```starlark
    romfs_image_from_srcs(
        name = "image",
        srcs = glob(["src/**"]),
        board = "@rules_romfs//rules/boards:openmv-n6",
        strip_prefix = "src",
        deps = ["//lib/sensors"],
    )
    ```

    It writes a manifest, `<name>.manifest.yaml`, and makes a `romfs_image` of it. Once an image needs more
    than this, start its own manifest from the output group `effective_manifest`.

    Args:
      name: name of the `romfs_image`.
      srcs: files of the image; what ends in `.py` is compiled, but for `boot.py` and `main.py` in its root.
      deps: `mpy_library` targets, placed by their own `dest`.
      dest: the directory in the image that `srcs` go to.
      strip_prefix: the directory, relative to the package, whose name does not become part of a file's place.
      compile: whether to compile; with False, sources are packed.
      optimize: mpy-cross's `-O`: 0 to 3.
      align: alignments in bytes, as strings, by patterns of destinations: `{"**/*.tflite": "32"}`.
      max_size: the largest size of the image: bytes, a number with `KiB` or `MiB`, or a percentage of the partition.
      **kwargs: further attributes of `romfs_image`, such as `board`, `partition`, `layout` and `visibility`.
    """
    common = {key: kwargs[key] for key in ("tags", "testonly", "target_compatible_with") if key in kwargs}
    _romfs_manifest(
        name = name + ".manifest",
        srcs = srcs,
        align = align,
        compile = compile,
        dest = dest,
        image_name = name.split("/")[-1],
        max_size = max_size,
        optimize = optimize,
        strip_prefix = strip_prefix,
        visibility = ["//visibility:private"],
        **common
    )
    romfs_image(
        name = name,
        srcs = srcs,
        manifest = name + ".manifest",
        deps = deps,
        **kwargs
    )

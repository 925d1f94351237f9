"""romfs_image_from_srcs: an image whose manifest is written from attributes."""

load("//rules/private:encoding.bzl", "write_json")
load("//rules/private:macros.bzl", "romfs_image")
load("//rules/private:naming.bzl", "label_name", "package_name", "place", "source_name")
load("//rules/private:python.bzl", "python_aspect", "with_python")

def _number(ctx, match, to):
    if not to.isdigit():
        fail("{}: align[\"{}\"] is \"{}\": write a number of bytes, such as \"32\".".format(label_name(ctx.label).removesuffix(".manifest"), match, to))
    return int(to)

def _romfs_manifest_impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".yaml")
    package = package_name(ctx.label)
    below = len(ctx.label.name.split("/")) - 1 + (len(package.split("/")) if package else 0)
    files = [
        {"src": source_name(file), "dest": place(ctx.label, file, ctx.attr.strip_prefix, ctx.attr.dest)}
        for file in with_python(ctx.attr.srcs, ctx.files.srcs).files
    ]
    manifest = {
        "version": 1,
        "name": ctx.attr.image_name,
        "root": "/".join([".."] * below) or ".",
        "mpy": {
            "compile": ctx.attr.compile,
        } | ({"optimize": ctx.attr.optimize} if ctx.attr.optimize >= 0 else {}),
        "files": files,
    }
    if ctx.attr.align:
        manifest["align"] = [
            {"match": match, "to": _number(ctx, match, to)}
            for match, to in ctx.attr.align.items()
        ]
    if ctx.attr.max_size:
        manifest["budget"] = {"max": ctx.attr.max_size}

    # JSON is YAML.
    write_json(ctx, out, manifest)
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
        "optimize": attr.int(default = -1),
        "srcs": attr.label_list(allow_files = True, aspects = [python_aspect]),
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
        optimize = -1,
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
      deps: libraries, as of `romfs_image`.
      dest: the directory in the image that `srcs` go to.
      strip_prefix: the directory whose name does not become part of a file's place: relative to the package, or, with a
        slash in front, from the root of the file's repository.
      compile: whether to compile; with False, sources are packed.
      optimize: mpy-cross's `-O`: 0 to 3. By default what `--@rules_romfs//rules:optimize` says, else 0.
      align: alignments in bytes, as strings, by patterns of destinations: `{"**/*.tflite": "32"}`.
      max_size: the largest size of the image: bytes, a number with `KiB` or `MiB`, or a percentage of the partition.
      **kwargs: further attributes of `romfs_image`, such as `board`, `partition`, `layout` and `visibility`.
    """
    common = {key: kwargs[key] for key in ("tags", "testonly", "target_compatible_with", "visibility") if key in kwargs}
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
        **common
    )
    romfs_image(
        name = name,
        srcs = srcs,
        manifest = name + ".manifest",
        deps = deps,
        **kwargs
    )

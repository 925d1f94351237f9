"""A library whose manifest is written from the places of its files."""

load("//rules/private:actions.bzl", "build_defaults", "plan")
load("//rules/private:board_info.bzl", "board_of")
load("//rules/private:encoding.bzl", "write_json")
load("//rules/private:mpy_info.bzl", "MpyInfo")
load("//rules/private:naming.bzl", "package_name", "source_name")

def _literal(name):
    """Returns the pattern that matches a name alone."""
    for character in ("\\", "*", "?", "[", "{"):
        name = name.replace(character, "\\" + character)
    return name

def literal_library(ctx, places, mpy = {}):
    """Compiles files with their places in an image.

    Args:
      ctx: the context of a rule or aspect with ACTION_ATTRS, BOARD_ATTRS, TOOLCHAINS and EXEC_GROUPS.
      places: dict from File to its place.
      mpy: dict, what the manifest says as `mpy`.
    Returns:
      struct of `info` (MpyInfo of these files alone) and `compiled` (list of File: what the compile actions made).
    """
    defaults = build_defaults(ctx)
    mpy = {"optimize": defaults.optimize or 0, "emit": defaults.emit or "bytecode", "arch": defaults.arch or "none"} | mpy

    # One literal rule a file, so that its meaning is that of any manifest.
    manifest = ctx.actions.declare_file(ctx.label.name + ".romfs.manifest.json")
    depth = len(package_name(ctx.label).split("/")) if package_name(ctx.label) else 0
    depth += len(ctx.label.name.split("/")) - 1
    write_json(ctx, manifest, {
        "version": 1,
        "name": "library",
        "root": "/".join([".."] * depth) or ".",
        "mpy": mpy,
        "files": [{"src": _literal(source_name(file)), "dest": dest} for file, dest in places.items()],
    })
    planned = plan(ctx, manifest = manifest, sources = places.keys(), board = board_of(ctx))
    return struct(
        compiled = planned.compiled,
        info = MpyInfo(
            files = depset(planned.files),
            originals = depset(planned.originals),
            plans = depset([planned.plan]),
            sources = depset(planned.sources),
        ),
    )

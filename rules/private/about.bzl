"""What is said about an image that is built: the packages in it, bills of materials, its costs in RAM, a page to look at.

None of it is made unless it is asked for.
"""

load("//rules/private:actions.bzl", "add_board", "add_plans", "arguments", "run")
load("//rules/private:packages.bzl", "packages_of")
load("//rules/private:runtime_tools.bzl", "measuring_interpreter_of")

def _package_flag(package):
    return "--package=" + json.encode(struct(
        purl = package.purl,
        name = package.name,
        version = package.version,
        license = package.license,
        descriptions = [file.path for file in package.descriptions],
        sources = package.sources,
    ))

def say_packages(ctx, image, sidecar, origins, images):
    """Writes which package each file of an image is of.

    Args:
      ctx: the context of romfs_image.
      image: File.
      sidecar: File.
      origins: File.
      images: dict from the nested images, as the manifest names them, to RomfsImageInfo.
    Returns:
      File: JSON.
    """
    out = ctx.actions.declare_file(image.basename + ".packages.json", sibling = image)
    packages = packages_of(ctx)
    args = arguments(ctx, "packages")
    flags = args[1]
    flags.add(sidecar, format = "--sidecar=%s")
    flags.add(origins, format = "--origins=%s")
    flags.add_all(packages.packages, map_each = _package_flag)
    for name, info in images.items():
        flags.add_joined([name, info.packages], join_with = "\t", format_joined = "--nested=%s")
    flags.add(out, format = "--out=%s")
    run(
        ctx,
        mnemonic = "RomfsPackages",
        message = "Naming the packages in %{label}",
        args = args,
        inputs = depset([sidecar, origins] + [info.packages for info in images.values()], transitive = [packages.descriptions]),
        outputs = [out],
    )
    return out

def say_bill(ctx, info, format, suffix):
    """Writes the bill of materials of an image.

    Args:
      ctx: the context of romfs_image.
      info: RomfsImageInfo.
      format: as `romfs sbom` names it.
      suffix: of the file.
    Returns:
      File.
    """
    out = ctx.actions.declare_file(info.image.basename + suffix, sibling = info.image)
    args = arguments(ctx, "sbom")
    flags = args[1]
    flags.add(info.image, format = "--packed=%s")
    flags.add(info.sidecar, format = "--sidecar=%s")
    flags.add(info.packages, format = "--packages=%s")
    flags.add(format, format = "--format=%s")
    flags.add(out, format = "--out=%s")
    run(
        ctx,
        mnemonic = "RomfsBill",
        message = "Writing the bill of materials of %{label}",
        args = args,
        inputs = [info.image, info.sidecar, info.packages],
        outputs = [out],
    )
    return out

def say_ram(ctx, image, planned, deps, images):
    """Measures what importing each module of an image costs.

    Args:
      ctx: the context of romfs_image.
      image: File.
      planned: the image's own plan, as `plan` returned it.
      deps: list of MpyInfo.
      images: dict from the nested images, as the manifest names them, to RomfsImageInfo.
    Returns:
      File: JSON, as `romfs ram` prints it.
    """
    out = ctx.actions.declare_file(image.basename + ".ram.json", sibling = image)
    args = arguments(ctx, "ram")
    flags = args[1]
    plans = add_plans(flags, planned, deps, images)
    flags.add(image, format = "--packed=%s")
    flags.add_all(ctx.files.stubs, format_each = "--stub=%s")
    tools = []
    interpreter = measuring_interpreter_of(ctx)
    if interpreter.micropython:
        tools.append(interpreter.micropython.files_to_run)
        flags.add(interpreter.micropython.files_to_run.executable, format = "--micropython=%s")
    flags.add(out, format = "--out=%s")
    run(
        ctx,
        mnemonic = "RomfsRam",
        message = "Measuring the RAM of %{label}",
        args = args,
        inputs = depset(
            [image] + ctx.files.stubs + planned.originals,
            transitive = [plans] + [dep.originals for dep in deps],
        ),
        outputs = [out],
        tools = tools,
    )
    return out

def say_page(ctx, info, out, base = None):
    """Draws the page about an image.

    Args:
      ctx: the rule's context.
      info: RomfsImageInfo.
      out: File: the page.
      base: None, or struct of `image` (File: an older one to compare it with) and `files` (list of File: what lies beside that).
    """
    args = arguments(ctx, "report")
    flags = args[1]
    board_inputs = add_board(flags, info.board)
    flags.add(info.image, format = "--packed=%s")
    flags.add(info.sidecar, format = "--sidecar=%s")
    flags.add(info.plan, format = "--plan=%s")
    flags.add(info.ram, format = "--ram=%s")
    if base:
        flags.add(base.image, format = "--base=%s")
    flags.add(out, format = "--out=%s")
    run(
        ctx,
        mnemonic = "RomfsReport",
        message = "Drawing %{output}",
        args = args,
        inputs = [info.image, info.sidecar, info.plan, info.ram] + board_inputs + ([base.image] + base.files if base else []),
        outputs = [out],
    )

"""What is said about an image that is built: the packages in it, and its bills of materials.

None of it is made unless it is asked for.
"""

load("//rules/private:actions.bzl", "arguments", "run")
load("//rules/private:packages.bzl", "packages_of")

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

"""Which released packages the files of an image are of: what a bill of materials says besides digests.

Bazel's own way to say it is the attribute `package_metadata` of any target (`applicable_licenses` in Bazel 7), or the
default of it in a package or REPO.bazel. Wheels have their METADATA among their data.
"""

load("@package_metadata//providers:package_metadata_info.bzl", "PackageMetadataInfo")
load("@rules_license//rules:providers.bzl", "LicenseInfo", "PackageInfo")
load("//rules/private:naming.bzl", "repository_name")

PackagesInfo = provider(
    doc = "Which packages the files of a target, and of all that it is made from, are of.",
    fields = {
        "descriptions": "depset of File: all that the packages have as such.",
        "packages": """\
depset of struct, in postorder: of one file, the first counts. Each has `purl`, `name`, `version`, `license` (strings, "" where
nothing says it), `descriptions` (tuple of File: what package managers wrote about it) and `sources` (tuple of string: the
labels of its files).""",
    },
)

# What targets are made from, as far as it can get into an image.
_ATTRIBUTES = ["srcs", "data", "deps", "actual"]

def _targets(attributes, name):
    value = getattr(attributes, name, None)
    return [target for target in (value if type(value) == "list" else [value]) if type(target) == "Target"]

def _package(label, attributes, files):
    """Returns what a target says of the package that its own files are of; None for nothing."""
    purl, name, version, license = "", "", "", ""
    own = [file for file in files if file.owner.repo_name == label.repo_name]
    descriptions = [file for file in own if file.short_path.endswith(".dist-info/METADATA")]
    for target in _targets(attributes, "package_metadata") + _targets(attributes, "applicable_licenses"):
        if PackageMetadataInfo in target:
            descriptions += target[PackageMetadataInfo].files.to_list()
        if PackageInfo in target:
            info = target[PackageInfo]
            purl = purl or getattr(info, "purl", None) or ""
            name = name or info.package_name or ""
            version = version or info.package_version or ""
        if LicenseInfo in target:
            info = target[LicenseInfo]
            license = license or " AND ".join([kind.name for kind in info.license_kinds])
            name = name or info.package_name or ""
            version = version or getattr(info, "package_version", None) or ""
        if not [provider for provider in (PackageMetadataInfo, PackageInfo, LicenseInfo) if provider in target]:
            # Such as a filegroup of a manifest.py of micropython-lib.
            descriptions += target[DefaultInfo].files.to_list()
    if not (descriptions or purl or name or license):
        return None
    return struct(
        purl = purl,
        name = name or repository_name(label.repo_name),
        version = version,
        license = license,
        descriptions = tuple(descriptions),
        sources = tuple([str(file.owner) for file in own]),
    )

def _packages(label, attributes, files):
    """Returns PackagesInfo of a target, of which `packages_aspect` was on what it is made from."""
    package = _package(label, attributes, files)
    infos = []
    for name in _ATTRIBUTES:
        infos += [target[PackagesInfo] for target in _targets(attributes, name) if PackagesInfo in target]
    return PackagesInfo(
        descriptions = depset(package.descriptions if package else [], transitive = [info.descriptions for info in infos]),
        packages = depset([package] if package else [], transitive = [info.packages for info in infos], order = "postorder"),
    )

def _packages_impl(target, ctx):
    files = target[DefaultInfo].files.to_list() if DefaultInfo in target else []
    for name in _ATTRIBUTES:
        files = files + getattr(ctx.rule.files, name, [])
    return [_packages(target.label, ctx.rule.attr, files)]

packages_aspect = aspect(
    implementation = _packages_impl,
    doc = "Gathers which packages the files of a target are of.",
    attr_aspects = _ATTRIBUTES,
)

def packages_of(ctx):
    """Returns the packages that the files of an image are of.

    Args:
      ctx: the context of a rule with `packages_aspect` on its attributes `srcs` and `deps`.
    Returns:
      PackagesInfo.
    """
    return _packages(ctx.label, ctx.attr, ctx.files.srcs)

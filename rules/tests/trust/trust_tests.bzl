"""Tests of what is said about images: packages, bills of materials, signatures."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//rules:defs.bzl", "RomfsImageInfo")

packages_file = rule(
    implementation = lambda ctx: [DefaultInfo(files = depset([ctx.attr.image[RomfsImageInfo].packages]))],
    doc = "The packages of an image, which no output group has.",
    attrs = {"image": attr.label(mandatory = True, providers = [RomfsImageInfo])},
)

def _bill_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    groups = target[OutputGroupInfo]
    asserts.equals(env, ["image.romfs.cdx.json"], [file.basename for file in groups.sbom.to_list()])
    asserts.equals(env, ["image.romfs.spdx.json"], [file.basename for file in groups.sbom_spdx.to_list()])
    actions = {}
    for action in analysistest.target_actions(env):
        actions.setdefault(action.mnemonic, []).append(action)
    asserts.equals(env, 2, len(actions["RomfsBill"]))
    asserts.equals(env, 1, len(actions["RomfsPackages"]))

    # Who is asked for the packages reads what describes them and the image, not what is in it.
    inputs = sorted([
        file.basename
        for file in actions["RomfsPackages"][0].inputs.to_list()
        if "packager" not in file.path and not file.path.endswith(".params")
    ])
    asserts.equals(env, [
        "METADATA",
        "by_purl.package-metadata.json",
        "common.romfs.packages.json",
        "image.romfs.json",
        "image.romfs.origins.json",
        "manifest.py",
    ], inputs)
    return analysistest.end(env)

bill_test = analysistest.make(_bill_test_impl)

def _signed_deploy_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    written = [a for a in analysistest.target_actions(env) if a.mnemonic == "FileWrite" and "require_signature" in a.content]
    deploy = json.decode(written[0].content)["deploys"][0]
    package = ctx.workspace_name + "/rules/tests/trust/"
    asserts.equals(env, [package + "release.pub.pem"], deploy["require_signature"])
    asserts.equals(env, package + "signed.romfs.dsse.json", deploy["signature"])
    runfiles = [file.short_path for file in target[DefaultInfo].default_runfiles.files.to_list()]
    for name in ("board.yaml", "release.pub.pem", "signed.romfs.dsse.json"):
        asserts.true(env, "rules/tests/trust/" + name in runfiles, name + " is not in the runfiles")
    return analysistest.end(env)

signed_deploy_test = analysistest.make(_signed_deploy_test_impl)

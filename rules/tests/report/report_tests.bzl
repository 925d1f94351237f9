"""Tests of what reports are made from."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")

def _without_tools(action):
    return [
        file
        for file in action.inputs.to_list()
        if "packager" not in file.path and not file.path.endswith(".params")
    ]

def _ram_test_impl(ctx):
    env = analysistest.begin(ctx)
    groups = analysistest.target_under_test(env)[OutputGroupInfo]
    asserts.equals(env, ["image.romfs.ram.json"], [file.basename for file in groups.ram.to_list()])
    asserts.equals(env, ["image.romfs.html"], [file.basename for file in groups.report.to_list()])
    actions = [action for action in analysistest.target_actions(env) if action.mnemonic == "RomfsRam"]
    asserts.equals(env, 1, len(actions))
    inputs = _without_tools(actions[0])
    asserts.equals(env, ctx.attr.originals, sorted([file.basename for file in inputs if file.extension == "py"]))
    asserts.true(env, "image.romfs" in [file.basename for file in inputs], "the image is no input")
    return analysistest.end(env)

ram_test = analysistest.make(_ram_test_impl, attrs = {"originals": attr.string_list()})

def _report_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, ["report.html"], [file.basename for file in target[DefaultInfo].files.to_list()])
    action = analysistest.target_actions(env)[0]
    asserts.equals(env, "RomfsReport", action.mnemonic)
    own = [file.basename for file in _without_tools(action) if "/report/" in file.path]
    asserts.equals(env, ctx.attr.inputs, sorted(own))
    base = [file.basename for file in _without_tools(action) if "/fixtures/" in file.path]
    asserts.equals(env, ["image.romfs", "image.romfs.json"], sorted(base))
    return analysistest.end(env)

report_test = analysistest.make(_report_test_impl, attrs = {"inputs": attr.string_list()})

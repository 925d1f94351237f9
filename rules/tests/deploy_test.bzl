"""A test that runs deploys: what `bazel run` of them does, as `bazel test`."""

load("//rules:defs.bzl", "RomfsDeployInfo")
load("//rules/private:launcher.bzl", "launch")
load("//rules/private:runtime_tools.bzl", "RuntimeToolsInfo")
load("//rules/private:test.bzl", "TEST_TOOLS")

def _deploy_test_impl(ctx):
    deploys = []
    for target in ctx.attr.deploys:
        deploys += list(target[RomfsDeployInfo].deploys)
    files = []
    for deploy in deploys:
        files += deploy.files
    return launch(
        ctx,
        tools = ctx.attr._tools[RuntimeToolsInfo],
        request = {"deploys": [deploy.request for deploy in deploys], "kind": "deploy"},
        files = files,
    )

deploy_test = rule(
    implementation = _deploy_test_impl,
    doc = "Runs deploys to simulated boards.",
    attrs = {
        "deploys": attr.label_list(mandatory = True, providers = [RomfsDeployInfo]),
        "_tools": TEST_TOOLS,
    },
    exec_groups = {"test": exec_group()},
    test = True,
)

"""A test that runs deploys: what `bazel run` of them does, as `bazel test`."""

load("//rules:defs.bzl", "RomfsDeployInfo")
load("//rules/private:launcher.bzl", "LAUNCH_ATTRS", "launch")
load("//rules/private:runtime_tools.bzl", "interpreter_of", "test_tools")

def _deploy_test_impl(ctx):
    deploys = []
    for target in ctx.attr.deploys:
        deploys += list(target[RomfsDeployInfo].deploys)
    files = []
    for deploy in deploys:
        files += deploy.files
    return launch(
        ctx,
        request = {"deploys": [deploy.request for deploy in deploys], "jobs": ctx.attr.jobs, "kind": "deploy"},
        files = files,
        interpreter = interpreter_of(ctx),
    )

deploy_test = rule(
    implementation = _deploy_test_impl,
    doc = "Runs deploys to simulated boards.",
    attrs = {
        "deploys": attr.label_list(mandatory = True, providers = [RomfsDeployInfo]),
        "jobs": attr.int(default = 1),
    } | LAUNCH_ATTRS | test_tools(Label("//rules/private:interpreter")),
    exec_groups = {"test": exec_group()},
    test = True,
)

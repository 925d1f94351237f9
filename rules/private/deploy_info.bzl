"""RomfsDeployInfo: what a deploy target does, for targets that gather several."""

RomfsDeployInfo = provider(
    doc = "Deploys of images to boards. Made by `romfs_deploy` and `romfs_deploy_all`.",
    fields = {
        "deploys": "tuple of struct: each has `files` (list of File), `interpreter` (of the simulated board; None without one) and " +
                   "`request` (struct, one deploy as packager/bazel reads it).",
    },
)

"""RomfsBoardInfo: the board that an image is for."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load("//rules/private:naming.bzl", "label_name")

RomfsBoardInfo = provider(
    doc = "The board that an image is for. Made by `romfs_board`.",
    fields = {
        "data": "list of File: what the board file names, which deploys need beside it.",
        "id": "string: the id of a built-in profile (`openmv-n6`), or \"\" where `profile` says all, or for no board.",
        "profile": "File: a board file, the YAML that `romfs schema board` describes; None for a built-in profile.",
    },
)

# The package whose platforms are boards too, by their names.
_BUILTIN = Label("//rules/boards:BUILD.bazel")

# What a rule that calls board_of has among its attributes.
BOARD_ATTRS = {
    "_board": attr.label(default = Label("//rules:board")),
    "_for_interpreter": attr.label(default = Label("//rules/private:for_interpreter"), providers = [BuildSettingInfo]),
    "_interpreter": attr.label(default = Label("//rules/boards:interpreter"), providers = [RomfsBoardInfo]),
}

def board_of(ctx):
    """Returns the board that a target is built for.

    A shipped board is a platform, so that one label serves `--platforms` and `board`; Bazel lets no rule
    but its own make a platform, so the name of such a target, not a provider, is the id of the profile.

    Args:
      ctx: the context of a rule that has BOARD_ATTRS.
    Returns:
      RomfsBoardInfo.
    """
    if ctx.attr._for_interpreter[BuildSettingInfo].value:
        return ctx.attr._interpreter[RomfsBoardInfo]
    target = ctx.attr._board
    if RomfsBoardInfo in target:
        return target[RomfsBoardInfo]
    if (target.label.repo_name, target.label.package) == (_BUILTIN.repo_name, _BUILTIN.package):
        return RomfsBoardInfo(data = [], id = target.label.name, profile = None)
    fail("{}: {} is no board: name a romfs_board, or one of @rules_romfs//rules/boards.".format(label_name(ctx.label), label_name(target.label)))

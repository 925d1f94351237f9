"""RomfsBoardInfo: the board that an image is for."""

load("//rules/private:naming.bzl", "label_name")

RomfsBoardInfo = provider(
    doc = "The board that an image is for. Made by `romfs_board`.",
    fields = {
        "id": "string: the id of a built-in profile (`openmv-n6`), or \"\" where `profile` says all, or for no board.",
        "profile": "File: a board file, the YAML that `romfs schema board` describes; None for a built-in profile.",
    },
)

# The package whose platforms are boards too, by their names.
_BUILTIN = Label("//rules/boards:BUILD.bazel")

def board_of(ctx, target):
    """Returns what a label that stands for a board says.

    A shipped board is a platform, so that one label serves `--platforms` and `board`; Bazel lets no rule
    but its own make a platform, so the name of such a target, not a provider, is the id of the profile.

    Args:
      ctx: the context of the rule that asks, for the error.
      target: the target that `//rules:board` points to.
    Returns:
      RomfsBoardInfo.
    """
    if RomfsBoardInfo in target:
        return target[RomfsBoardInfo]
    if (target.label.repo_name, target.label.package) == (_BUILTIN.repo_name, _BUILTIN.package):
        return RomfsBoardInfo(id = target.label.name, profile = None)
    fail("{}: {} is no board: name a romfs_board, or one of @rules_romfs//rules/boards.".format(label_name(ctx.label), label_name(target.label)))

"""Modules that no cache has seen yet, and one image for several boards."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")

def _modules_impl(ctx):
    salt = ctx.attr.salt[BuildSettingInfo].value
    modules = []
    for index in range(ctx.attr.count):
        module = ctx.actions.declare_file("{}/m{}.py".format(ctx.label.name, index))
        edit = ctx.attr.edit[BuildSettingInfo].value if index == 0 else ""
        ctx.actions.write(module, "SALT = {}\nINDEX = {}\nEDIT = {}\n".format(repr(salt), index, repr(edit)))
        modules.append(module)
    return [DefaultInfo(files = depset(modules))]

modules = rule(
    implementation = _modules_impl,
    doc = "Writes Python modules, all with one salt and the first with an edit.",
    attrs = {
        "count": attr.int(mandatory = True, doc = "How many."),
        "edit": attr.label(mandatory = True, providers = [BuildSettingInfo], doc = "A string flag."),
        "salt": attr.label(mandatory = True, providers = [BuildSettingInfo], doc = "A string flag."),
    },
)

_BOARD = str(Label("//rules:board"))

_for_boards = transition(
    implementation = lambda _settings, attr: {
        board: {_BOARD: str(Label("//rules/boards:" + board))}
        for board in attr.boards
    },
    inputs = [],
    outputs = [_BOARD],
)

def _on_boards_impl(ctx):
    return [DefaultInfo(files = depset(transitive = [image[DefaultInfo].files for image in ctx.attr.image]))]

on_boards = rule(
    implementation = _on_boards_impl,
    doc = "Builds one image for several boards.",
    attrs = {
        "boards": attr.string_list(mandatory = True, doc = "Names of //rules/boards."),
        "image": attr.label(mandatory = True, cfg = _for_boards, doc = "The romfs_image."),
    },
)

"""Tests of which sources select() chose for a board."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")

_PLATFORMS = "//command_line_option:platforms"
_BOARD = str(Label("//rules:board"))

def _sources_test_impl(ctx):
    env = analysistest.begin(ctx)
    sources = []
    for action in analysistest.target_actions(env):
        if action.mnemonic == "RomfsCompile":
            sources += [file.basename for file in action.inputs.to_list() if file.extension == "py"]
    asserts.equals(env, ctx.attr.sources, sorted(sources))
    return analysistest.end(env)

_ATTRS = {"sources": attr.string_list(mandatory = True)}

sources_test = analysistest.make(_sources_test_impl, attrs = _ATTRS)

by_flag_test = analysistest.make(
    _sources_test_impl,
    attrs = _ATTRS,
    config_settings = {_BOARD: str(Label("//rules/boards:openmv-n6"))},
)

by_platform_test = analysistest.make(
    _sources_test_impl,
    attrs = _ATTRS,
    config_settings = {_PLATFORMS: str(Label("//rules/boards:openmv-n6"))},
)

flag_over_platform_test = analysistest.make(
    _sources_test_impl,
    attrs = _ATTRS,
    config_settings = {
        _BOARD: str(Label("//rules/boards:arduino-giga")),
        _PLATFORMS: str(Label("//rules/boards:openmv-n6")),
    },
)

bare_metal_test = analysistest.make(
    _sources_test_impl,
    attrs = _ATTRS,
    config_settings = {_PLATFORMS: str(Label("//rules/tests/selected:bare_metal"))},
)

by_own_flag_test = analysistest.make(
    _sources_test_impl,
    attrs = _ATTRS,
    config_settings = {
        _BOARD: str(Label("//rules/tests/fixtures:own_board")),
        _PLATFORMS: str(Label("//rules/boards:openmv-n6")),
    },
)

"""Configuration transitions: an image for one board, and tools for the machine that Bazel runs on."""

_BOARD = str(Label("//rules:board"))
_FOR_INTERPRETER = str(Label("//rules/private:for_interpreter"))
_INTERPRETER = str(Label("//rules/boards:interpreter"))

# What tools are built with: settings of images must not make tools anew.
NO_BOARD = {
    _BOARD: str(Label("//rules/boards:of_platform")),
    _FOR_INTERPRETER: False,
}

_PLATFORMS = "//command_line_option:platforms"
_HOST_PLATFORM = "//command_line_option:host_platform"

def _board_transition_impl(settings, attr):
    if settings[_FOR_INTERPRETER]:
        return {_BOARD: _INTERPRETER}
    return {_BOARD: attr.board or settings[_BOARD]}

# The attribute `board` of one target overrides the flag and the platform, for it and for what it is made from.
board_transition = transition(
    implementation = _board_transition_impl,
    inputs = [_BOARD, _FOR_INTERPRETER],
    outputs = [_BOARD],
)

def _repack_transition_impl(settings, attr):
    return {_FOR_INTERPRETER: attr.repack or settings[_FOR_INTERPRETER]}

# A test that imports native code needs it for the interpreter's processor. It is another flag than the
# board, because it overrides what an image says of its board.
repack_transition = transition(
    implementation = _repack_transition_impl,
    inputs = [_FOR_INTERPRETER],
    outputs = [_FOR_INTERPRETER],
)

def _host_transition_impl(settings, _attr):
    return {_PLATFORMS: str(settings[_HOST_PLATFORM])} | NO_BOARD

# What `bazel run` starts runs on the machine of Bazel's client: not on the board, as the target platform
# may say, nor on an executor, as the exec configuration may.
host_transition = transition(
    implementation = _host_transition_impl,
    inputs = [_HOST_PLATFORM],
    outputs = [_PLATFORMS] + NO_BOARD.keys(),
)

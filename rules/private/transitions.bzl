"""Configuration transitions: an image for one board, and tools for the machine that Bazel runs on."""

_BOARD = str(Label("//rules:board"))
_FOR_INTERPRETER = str(Label("//rules/private:for_interpreter"))
_OPTIMIZE = str(Label("//rules:optimize"))
_EMIT = str(Label("//rules:emit"))

# The package of the shipped boards, which are platforms.
_SHIPPED = Label("//rules/boards:BUILD.bazel")

# Its targets that stand for a board and are none.
_NO_PLATFORM = ["interpreter", "none", "of_platform"]

_UNIX_INTERPRETER = str(Label("//rules/private:unix_interpreter"))

# Which toolchains there are for an interpreter: Debian's counts only where it has to be a unix port.
unix_transition = transition(
    implementation = lambda _settings, attr: {_UNIX_INTERPRETER: attr.unix},
    inputs = [],
    outputs = [_UNIX_INTERPRETER],
)

# What tools are built with: settings of images must not make tools anew.
NO_BOARD = {
    _BOARD: str(Label("//rules/boards:of_platform")),
    _EMIT: "",
    _FOR_INTERPRETER: False,
    _OPTIMIZE: "",
}

_PLATFORMS = "//command_line_option:platforms"
_HOST_PLATFORM = "//command_line_option:host_platform"

def _is_shipped(label):
    return label.repo_name == _SHIPPED.repo_name and label.package == _SHIPPED.package

def _board_transition_impl(settings, attr):
    board = attr.board or settings[_BOARD]
    platforms = settings[_PLATFORMS]
    if _is_shipped(board) and board.name not in _NO_PLATFORM:
        platforms = [board]
    elif not _is_shipped(board) and [p for p in platforms if _is_shipped(Label(p))]:
        # A board of the user's own is not the one that the platform is.
        platforms = [settings[_HOST_PLATFORM]]
    return {_BOARD: str(board), _PLATFORMS: [str(p) for p in platforms]}

# The attribute `board` of one target overrides the flag and the platform, for it and for what it is made from. The
# platform follows, so that constraints never say another board than the flag.
board_transition = transition(
    implementation = _board_transition_impl,
    inputs = [_BOARD, _HOST_PLATFORM, _PLATFORMS],
    outputs = [_BOARD, _PLATFORMS],
)

def _repack_transition_impl(settings, attr):
    return {_FOR_INTERPRETER: attr.repack or settings[_FOR_INTERPRETER]}

# A test that imports native code needs it for the interpreter's processor. It is another flag than the
# board: what select() chooses for the board is what the test is about.
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

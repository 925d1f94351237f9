"""What stands before the rules: defaults that a rule cannot have, and advice for what Bazel would only call missing."""

load("//rules/boards:boards.bzl", "BOARDS")
load("//rules/private:board.bzl", _romfs_board = "romfs_board")
load("//rules/private:deploy.bzl", _romfs_deploy = "romfs_deploy", _romfs_deploy_test = "romfs_deploy_test")
load("//rules/private:diff_test.bzl", _romfs_diff_test = "romfs_diff_test")
load("//rules/private:export.bzl", _romfs_export = "romfs_export")
load("//rules/private:image.bzl", _romfs_image = "romfs_image")
load("//rules/private:report.bzl", _romfs_report = "romfs_report")
load("//rules/private:sign.bzl", _romfs_sign = "romfs_sign")
load("//rules/private:test.bzl", _romfs_test = "romfs_test")

def _check_board(name, board):
    # ":openmv-n6" is a target of the package's own.
    if type(board) == "string" and board in BOARDS:
        fail("//{}:{}: board is \"{}\": write \"@rules_romfs//rules/boards:{}\".".format(native.package_name(), name, board, board))

def _one_string(names):
    # A target with several names has them in a list, which a dict of Bazel's cannot hold.
    if type(names) != "dict":
        return names
    return {target: "\n".join(value) if type(value) == "list" else value for target, value in names.items()}

def romfs_image(name, board = None, images = {}, transforms = {}, **kwargs):
    """See the rule.

    Args:
      name: of the target.
      board: as of the rule.
      images: as of the rule; a value can be a list of names.
      transforms: as of the rule; a value can be a list of names.
      **kwargs: further attributes of the rule.
    """
    _check_board(name, board)
    _romfs_image(name = name, board = board, images = _one_string(images), transforms = _one_string(transforms), **kwargs)

def romfs_deploy(name, board = None, **kwargs):
    """See the rule.

    Args:
      name: of the target.
      board: as of the rule.
      **kwargs: further attributes of the rule.
    """
    _check_board(name, board)
    _romfs_deploy(name = name, board = board, **kwargs)

def romfs_export(name, board = None, **kwargs):
    """See the rule.

    Args:
      name: of the target.
      board: as of the rule.
      **kwargs: further attributes of the rule.
    """
    _check_board(name, board)
    _romfs_export(name = name, board = board, **kwargs)

def romfs_report(name, board = None, **kwargs):
    """See the rule.

    Args:
      name: of the target.
      board: as of the rule.
      **kwargs: further attributes of the rule.
    """
    _check_board(name, board)
    _romfs_report(name = name, board = board, **kwargs)

def romfs_sign(name, board = None, **kwargs):
    """See the rule.

    Args:
      name: of the target.
      board: as of the rule.
      **kwargs: further attributes of the rule.
    """
    _check_board(name, board)
    _romfs_sign(name = name, board = board, **kwargs)

# Of tests on hardware: one at a time, here, and never from a cache.
_HARDWARE = ["exclusive", "external", "hardware", "no-cache", "no-remote"]

def romfs_deploy_test(name, board = None, port = "", tags = [], size = "medium", **kwargs):
    """See the rule.

    Args:
      name: of the target.
      board: as of the rule.
      port: as of the rule.
      tags: as of any test; those of hardware come on top, unless the port is a simulated board.
      size: as of any test.
      **kwargs: further attributes of the rule.
    """
    _check_board(name, board)
    if type(port) != "string" or not port.startswith("sim:"):
        tags = tags + [tag for tag in _HARDWARE if tag not in tags]
    _romfs_deploy_test(name = name, board = board, port = port, tags = tags, size = size, **kwargs)

def romfs_test(name, size = "small", **kwargs):
    """See the rule.

    Args:
      name: of the target.
      size: as of any test.
      **kwargs: further attributes of the rule.
    """
    _romfs_test(name = name, size = size, **kwargs)

def romfs_diff_test(name, size = "small", **kwargs):
    """See the rule.

    Args:
      name: of the target.
      size: as of any test.
      **kwargs: further attributes of the rule.
    """
    _romfs_diff_test(name = name, size = size, **kwargs)

def romfs_board(name, visibility = None, **kwargs):
    """See the rule.

    Args:
      name: of the target; `<name>.selected` is its condition for select().
      visibility: of both.
      **kwargs: further attributes of the rule.
    """
    _romfs_board(name = name, visibility = visibility, **kwargs)
    native.config_setting(
        name = name + ".selected",
        flag_values = {str(Label("//rules:board")): ":" + name},
        visibility = visibility,
    )

"""The boards that the packager knows, each as a platform, a constraint value and a condition for select()."""

load("@bazel_skylib//lib:selects.bzl", "selects")

# As `romfs boards` lists them; a test compares.
BOARDS = [
    "alif-ensemble",
    "arduino-giga",
    "arduino-nano-33-ble-sense",
    "arduino-nano-rp2040-connect",
    "arduino-nicla-vision",
    "arduino-portenta-h7",
    "esp32",
    "esp8266-2m-romfs",
    "garatronic-pymate",
    "mimxrt",
    "nrf",
    "openmv-ae3",
    "openmv-an500",
    "openmv-an547",
    "openmv-h7",
    "openmv-h7-plus",
    "openmv-m4",
    "openmv-m7",
    "openmv-n6",
    "openmv-pure-thermal",
    "openmv-rt1062",
    "pybd-sf2",
    "pybd-sf3",
    "pybd-sf6",
    "qemu-an385",
    "qemu-an500",
    "qemu-an547",
    "qemu-sabrelite",
    "qemu-virt-rv32",
    "qemu-virt-rv64",
    "renesas-ra",
    "rp2",
    "samd",
    "samd21",
    "weact-h723",
    "weact-h743",
]

_FLAG = str(Label("//rules:board"))

def declare_boards(name):
    """Declares a platform, a constraint value and a condition for each board, and the choice that a platform implies.

    A condition, `<board>.selected`, holds whichever way the board was chosen: by an attribute, the flag, or the platform.

    Args:
      name: name of the constraint setting that the values belong to.
    """
    native.constraint_setting(name = name)

    for board in BOARDS:
        native.constraint_value(
            name = board + ".constraint",
            constraint_setting = ":" + name,
        )
        native.platform(
            name = board,
            constraint_values = [":" + board + ".constraint"],
            # Its own constraints are the host's, so that all of //... builds and tests for it.
            parents = ["@platforms//host"],
        )
        native.config_setting(
            name = board + ".by_flag",
            flag_values = {_FLAG: str(Label("//rules/boards:" + board))},
        )
        native.config_setting(
            name = board + ".by_platform",
            constraint_values = [":" + board + ".constraint"],
            flag_values = {_FLAG: str(Label("//rules/boards:of_platform"))},
        )
        selects.config_setting_group(
            name = board + ".selected",
            match_any = [
                ":" + board + ".by_flag",
                ":" + board + ".by_platform",
            ],
        )

    native.alias(
        name = "of_platform",
        actual = select({":" + board + ".constraint": ":" + board for board in BOARDS} | {
            "//conditions:default": ":none",
        }),
    )

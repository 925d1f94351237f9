"""Rules that the BUILD files of generated repositories use, besides those of `//rules:toolchains.bzl`."""

load("//rules/private:micropython_toolchain.bzl", _missing_micropython = "missing_micropython")
load("//rules/private:mpy_cross_toolchain.bzl", _missing_mpy_cross = "missing_mpy_cross", _mpy_cross_versions = "mpy_cross_versions")

missing_micropython = _missing_micropython
missing_mpy_cross = _missing_mpy_cross
mpy_cross_versions = _mpy_cross_versions

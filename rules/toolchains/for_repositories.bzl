"""What generated repositories and this project's own tests use, besides what is in `//rules:toolchains.bzl`."""

load("//rules/private:micropython_toolchain.bzl", _missing_micropython = "missing_micropython")
load("//rules/private:mpy_cross_toolchain.bzl", _missing_mpy_cross = "missing_mpy_cross", _mpy_cross_versions = "mpy_cross_versions")
load("//rules/private:runtime_tools.bzl", _InterpreterInfo = "InterpreterInfo")

InterpreterInfo = _InterpreterInfo
missing_micropython = _missing_micropython
missing_mpy_cross = _missing_mpy_cross
mpy_cross_versions = _mpy_cross_versions

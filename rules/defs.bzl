"""Rules that build ROMFS images for MicroPython, test them and deploy them to boards."""

load("//rules/private:board_info.bzl", _RomfsBoardInfo = "RomfsBoardInfo")
load("//rules/private:deploy.bzl", _romfs_deploy_all = "romfs_deploy_all")
load("//rules/private:deploy_info.bzl", _RomfsDeployInfo = "RomfsDeployInfo")
load("//rules/private:image_from_srcs.bzl", _romfs_image_from_srcs = "romfs_image_from_srcs")
load("//rules/private:image_info.bzl", _RomfsImageInfo = "RomfsImageInfo")
load("//rules/private:library.bzl", _mpy_library = "mpy_library")
load(
    "//rules/private:macros.bzl",
    _romfs_board = "romfs_board",
    _romfs_deploy = "romfs_deploy",
    _romfs_deploy_test = "romfs_deploy_test",
    _romfs_diff_test = "romfs_diff_test",
    _romfs_export = "romfs_export",
    _romfs_image = "romfs_image",
    _romfs_report = "romfs_report",
    _romfs_sign = "romfs_sign",
    _romfs_test = "romfs_test",
)
load("//rules/private:mpy_info.bzl", _MpyInfo = "MpyInfo")

mpy_library = _mpy_library
romfs_board = _romfs_board
romfs_deploy = _romfs_deploy
romfs_deploy_all = _romfs_deploy_all
romfs_deploy_test = _romfs_deploy_test
romfs_diff_test = _romfs_diff_test
romfs_export = _romfs_export
romfs_image = _romfs_image
romfs_image_from_srcs = _romfs_image_from_srcs
romfs_report = _romfs_report
romfs_sign = _romfs_sign
romfs_test = _romfs_test

MpyInfo = _MpyInfo
RomfsBoardInfo = _RomfsBoardInfo
RomfsDeployInfo = _RomfsDeployInfo
RomfsImageInfo = _RomfsImageInfo

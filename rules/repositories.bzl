"""What a WORKSPACE that uses rules_romfs loads first. (Projects with MODULE.bazel need none of this.)

```starlark
load("@rules_romfs//rules:repositories.bzl", "rules_romfs_dependencies")
rules_romfs_dependencies()
load("@rules_romfs//rules:workspace.bzl", "rules_romfs_toolchains")
rules_romfs_toolchains()
```

WORKSPACE mode ends with Bazel 8; it is supported here on Bazel 7.
"""

load("@bazel_tools//tools/build_defs/repo:http.bzl", "http_archive")
load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")

def rules_romfs_dependencies():
    """Declares the rule sets that build the packager; one that the workspace declared before stays."""
    maybe(
        http_archive,
        name = "io_bazel_rules_go",
        sha256 = "86d3dc8f59d253524f933aaf2f3c05896cb0b605fc35b460c0b4b039996124c6",
        urls = ["https://github.com/bazel-contrib/rules_go/releases/download/v0.60.0/rules_go-v0.60.0.zip"],
    )
    maybe(
        http_archive,
        name = "bazel_gazelle",
        sha256 = "675114d8b433d0a9f54d81171833be96ebc4113115664b791e6f204d58e93446",
        urls = ["https://github.com/bazel-contrib/bazel-gazelle/releases/download/v0.47.0/bazel-gazelle-v0.47.0.tar.gz"],
    )

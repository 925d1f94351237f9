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
        sha256 = "4306d89e9541b5ce31108c2bd34c319dbfd6589a272dcbdc04dccdd89ff009d9",
        urls = ["https://github.com/bazel-contrib/rules_go/releases/download/v0.64.1/rules_go-v0.64.1.zip"],
    )
    maybe(
        http_archive,
        name = "rules_python",
        sha256 = "a5640fddd4beb03e8c1fde5ed7160c0ba6bd477e7d048661c30c06936a26fd63",
        strip_prefix = "rules_python-0.22.1",
        urls = ["https://github.com/bazelbuild/rules_python/releases/download/0.22.1/rules_python-0.22.1.tar.gz"],
    )
    maybe(
        http_archive,
        name = "bazel_gazelle",
        sha256 = "fec7a24acb027359eb7d2b31d116b17c81d2fab35842f6bfb2dd5945e1071346",
        urls = ["https://github.com/bazel-contrib/bazel-gazelle/releases/download/v0.53.0/bazel-gazelle-v0.53.0.tar.gz"],
    )

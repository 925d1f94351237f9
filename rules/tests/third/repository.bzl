"""A repository as pip's rules make one of a wheel."""

_FILES = {
    "site-packages/third-1.0.dist-info/METADATA": "Name: third\n",
    "site-packages/third/__init__.py": "",
    "site-packages/third/numbers.py": "ONE = 1\n",
    "site-packages/third/numbers.pyi": "ONE: int\n",
    "site-packages/third/units.txt": "m\n",
}

def _third_impl(rctx):
    for path, content in _FILES.items():
        rctx.file(path, content)
    rctx.symlink(rctx.attr.build_file, "BUILD.bazel")

third = repository_rule(
    implementation = _third_impl,
    attrs = {"build_file": attr.label(default = Label("//rules/tests/third:BUILD.bazel.third"))},
)

"""A rule that makes Python, and takes as deps what it likes."""

load("@rules_python//python:py_info.bzl", "PyInfo")

python_of_a_user = rule(
    implementation = lambda ctx: [PyInfo(transitive_sources = depset())],
    attrs = {"deps": attr.label_list()},
    doc = "Says that it is Python.",
)

"""Tests of the aspect that makes libraries of images of Python libraries."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//rules:defs.bzl", "MpyInfo")

def _library_test_impl(ctx):
    env = analysistest.begin(ctx)
    info = analysistest.target_under_test(env)[MpyInfo]
    asserts.equals(env, ctx.attr.plans, len(info.plans.to_list()))
    asserts.equals(env, ctx.attr.sources, sorted([source.name for source in info.sources.to_list()]))
    return analysistest.end(env)

library_test = analysistest.make(
    _library_test_impl,
    attrs = {
        "plans": attr.int(mandatory = True),
        "sources": attr.string_list(mandatory = True),
    },
)

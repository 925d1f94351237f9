"""Python libraries of other rules as libraries of images: an aspect over what `deps` and `srcs` name."""

load("@rules_python//python:py_info.bzl", "PyInfo")
load("//rules/private:actions.bzl", "ACTION_ATTRS", "EXEC_GROUPS", "TOOLCHAINS")
load("//rules/private:board_info.bzl", "BOARD_ATTRS")
load("//rules/private:literal.bzl", "literal_library")
load("//rules/private:mpy_info.bzl", "MpyInfo", "merge_libraries")
load("//rules/private:naming.bzl", "label_name", "path_in_repository", "repository_name")

PythonInfo = provider(
    doc = "What a Python library of another rule is to an image.",
    fields = {
        "deps": "MpyInfo: what the library depends on, with all that that depends on.",
        "library": "MpyInfo: the same and the library's own files, placed by their import paths.",
    },
)

# What a wheel or a type checker has beside the code, and no interpreter reads.
_METADATA = [".dist-info/", ".egg-info/", "/__pycache__/"]
_METADATA_SUFFIXES = [".pyi", ".pyc", "/py.typed"]
_NATIVE_SUFFIXES = [".so", ".pyd", ".dylib", ".dll", ".a"]

def _is_metadata(path):
    return bool([m for m in _METADATA if m in path]) or bool([s for s in _METADATA_SUFFIXES if ("/" + path).endswith(s)])

def _files(rule, attribute):
    files = []
    for target in getattr(rule.attr, attribute, None) or []:
        if type(target) == "Target":
            files += target[DefaultInfo].files.to_list()
    return files

def _own_files(ctx, target):
    """Returns the files of a library itself: those that its attributes name, else what it makes."""
    if hasattr(ctx.rule.attr, "srcs") and ctx.rule.kind.startswith("py_") and type(ctx.rule.attr.srcs) == "list":
        return _files(ctx.rule, "srcs") + _files(ctx.rule, "data")
    deps = {}
    for dep in _deps(ctx):
        if PyInfo in dep:
            deps |= {file: None for file in dep[PyInfo].transitive_sources.to_list()}
    return [file for file in target[PyInfo].transitive_sources.to_list() if file not in deps]

def _roots(ctx, target, file):
    """Returns the directories of a file's repository that are on Python's path, as far as the library knows."""
    repository = file.owner.repo_name
    own = [repository, repository_name(repository)] if repository else [ctx.workspace_name, "_main", "__main__"]
    roots = []
    for root in target[PyInfo].imports.to_list():
        name, _, path = root.partition("/")
        if name in own:
            roots.append(path)
    return roots

def _import_path(ctx, target, file):
    """Returns the place of a file by which it is imported: from the innermost directory on Python's path, or its repository's root."""
    path = path_in_repository(file)
    best = ""
    for root in _roots(ctx, target, file):
        if path.startswith(root + "/") and len(root) > len(best):
            best = root
    return path[len(best) + 1:] if best else path

def _deps(ctx):
    return [dep for dep in (getattr(ctx.rule.attr, "deps", None) or []) if type(dep) == "Target"]

def _check(ctx, file):
    if file.is_directory:
        fail("{}: {} is a directory that a rule makes, whose files Bazel does not know beforehand: have the rule declare each file.".format(
            label_name(ctx.label),
            label_name(file.owner),
        ))
    if [s for s in _NATIVE_SUFFIXES if file.basename.endswith(s)]:
        fail("{}: {} is machine code for a computer, which no board loads: name a library without it.".format(label_name(ctx.label), label_name(file.owner)))

def _python_impl(target, ctx):
    if MpyInfo in target or PyInfo not in target:
        return []
    deps = []
    for dep in _deps(ctx):
        if MpyInfo in dep:
            deps.append(dep[MpyInfo])
        elif PythonInfo in dep:
            deps.append(dep[PythonInfo].library)
        else:
            fail("{}: deps names {}, which is no Python: no board loads it. Name a library without it.".format(label_name(ctx.label), label_name(dep.label)))
    files = [file for file in depset(_own_files(ctx, target)).to_list() if not _is_metadata(file.short_path)]
    for file in files:
        _check(ctx, file)
    merged = merge_libraries(deps)
    if not files:
        return [PythonInfo(deps = merged, library = merged)]
    own = literal_library(ctx, {file: _import_path(ctx, target, file) for file in files}).info
    return [PythonInfo(deps = merged, library = merge_libraries([own] + deps))]

python_aspect = aspect(
    implementation = _python_impl,
    doc = """\
Compiles the sources of Python libraries, each once for all images that have it.

A file's place is its import path: below the innermost directory that `imports` puts on Python's path, else below the root
of its repository. What `data` names goes along, but for the metadata of wheels.""",
    attr_aspects = ["deps"],
    attrs = ACTION_ATTRS | BOARD_ATTRS,
    exec_groups = EXEC_GROUPS,
    provides = [],
    toolchains = TOOLCHAINS,
)

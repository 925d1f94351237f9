"""Python libraries of other rules as libraries of images: an aspect over what `deps` and `srcs` name."""

load("@rules_python//python:py_info.bzl", "PyInfo")
load("//rules/private:actions.bzl", "ACTION_ATTRS", "EXEC_GROUPS", "TOOLCHAINS")
load("//rules/private:board_info.bzl", "BOARD_ATTRS")
load("//rules/private:literal.bzl", "literal_library")
load("//rules/private:mpy_info.bzl", "MpyInfo")
load("//rules/private:naming.bzl", "label_name", "path_in_repository", "repository_name")

PythonInfo = provider(
    doc = "What a Python library of another rule is to an image.",
    fields = {
        "data": "list of File: what it has beside its code.",
        "libraries": """\
depset of struct: it, and all that it depends on. Each has `info` (MpyInfo of its own files, placed by their import paths) and
`files` (tuple of File: these).""",
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
    """Returns the code of a library itself: the files that its attributes name, else what it makes."""
    if hasattr(ctx.rule.attr, "srcs") and ctx.rule.kind.startswith("py_") and type(ctx.rule.attr.srcs) == "list":
        return _files(ctx.rule, "srcs")
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
            deps.append(depset([struct(files = (), info = dep[MpyInfo])]))
        elif PythonInfo in dep:
            deps.append(dep[PythonInfo].libraries)
        else:
            fail("{}: deps names {}, which is no Python: no board loads it. Name a library without it.".format(label_name(ctx.label), label_name(dep.label)))
    code = [file for file in _own_files(ctx, target) if not _is_metadata(file.short_path)]
    data = [file for file in _files(ctx.rule, "data") if file not in code and not _is_metadata(file.short_path)]
    files = depset(code + data).to_list()
    for file in files:
        _check(ctx, file)
    own = []
    if files:
        info = literal_library(ctx, {file: _import_path(ctx, target, file) for file in files}).info
        own.append(struct(files = tuple(files), info = info))
    return [PythonInfo(data = data, libraries = depset(own, transitive = deps, order = "postorder"))]

def libraries_of(target):
    """Returns a Python library with all that it depends on.

    Args:
      target: one with PythonInfo.
    Returns:
      list of MpyInfo.
    """
    return [library.info for library in target[PythonInfo].libraries.to_list()]

def with_python(targets, files):
    """Returns what comes along with Python libraries that are named as sources.

    Args:
      targets: list of Target, the attribute `srcs`, on which python_aspect was.
      files: list of File, what these give.
    Returns:
      struct of `files` (list of File: the same, and what the libraries have beside their code) and `libraries` (list of
      MpyInfo: what they depend on, but for what is a source itself).
    """
    files = list(files)
    for target in targets:
        if PythonInfo in target:
            files += target[PythonInfo].data
    files = depset(files).to_list()
    own = {file: None for file in files}
    libraries = []
    for target in targets:
        if PythonInfo in target:
            for library in target[PythonInfo].libraries.to_list():
                if not library.files or [file for file in library.files if file not in own]:
                    libraries.append(library.info)
    return struct(files = files, libraries = libraries)

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

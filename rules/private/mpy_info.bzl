"""MpyInfo: Python modules and data, compiled and with their places in an image."""

MpyInfo = provider(
    doc = "Files of libraries with their places in an image, their Python compiled. Made by `mpy_library`; rules of your own hand on those of their deps.",
    fields = {
        "files": "depset of File: what images are packed from, which is what the compile actions made, and the sources that are no Python.",
        "originals": "depset of File: the Python sources, which no image is packed from, and reports measure.",
        "plans": "depset of File: one plan a library. It says where each of the library's files goes, and how it is compiled.",
        "sources": """\
depset of struct: the libraries' files. Each has `plan` (the File in `plans` that it belongs to), `name` (as the plan
names it), `file` (the source), `compiled` (what its compile action made: all that an image needs of
it; None for what is no Python).""",
    },
)

def merge_libraries(libraries):
    """Returns one library that has the files of several.

    Args:
      libraries: list of MpyInfo.
    Returns:
      MpyInfo.
    """
    return MpyInfo(
        files = depset(transitive = [library.files for library in libraries]),
        originals = depset(transitive = [library.originals for library in libraries]),
        plans = depset(transitive = [library.plans for library in libraries], order = "postorder"),
        sources = depset(transitive = [library.sources for library in libraries], order = "postorder"),
    )

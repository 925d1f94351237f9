"""How files are named to the packager: by their place in the workspace, the same in every configuration."""

def source_name(file):
    """Returns the name of a file that a manifest can use: its path from the workspace's root.

    Args:
      file: the File. One of another repository has its place below `external/`.
    Returns:
      string, with slashes.
    """
    path = file.short_path
    return "external/" + path[len("../"):] if path.startswith("../") else path

def package_name(label):
    """Returns the path of a label's package from the workspace's root, named as `source_name` does.

    Args:
      label: the Label.
    Returns:
      string; "" for the root package.
    """
    root = label.workspace_root
    if root.startswith("../"):  # --experimental_sibling_repository_layout
        root = "external/" + root[len("../"):]
    return "/".join([part for part in [root, label.package] if part])

def label_name(label):
    """Returns a label as people write it: without the @ of the main repository, in bzlmod and WORKSPACE alike.

    Args:
      label: the Label.
    Returns:
      string.
    """
    text = str(label)
    return text.lstrip("@") if text.lstrip("@").startswith("//") else text

"""How files are named to the packager: by their place in the workspace, the same in every configuration and Bazel."""

def repository_name(canonical):
    """Returns the name that a repository has for people, of the one that it has for Bazel.

    Bazel 7 calls module third `third~`, Bazel 8 `third+`, and what an extension makes `module~~extension~name`; a WORKSPACE
    file says plainly `third`.

    Args:
      canonical: string.
    Returns:
      string.
    """
    for separator in ("+", "~"):
        parts = canonical.split(separator)
        if len(parts) > 2:
            return parts[-1]
        if len(parts) == 2:
            return parts[0]
    return canonical

def _split(file):
    """Returns the repository of a file, "" for the main one, and its path there."""
    path = file.short_path
    if not path.startswith("../"):
        return "", path
    repository, _, path = path[len("../"):].partition("/")
    return repository_name(repository), path

def source_name(file):
    """Returns the name of a file that a manifest can use: its path from the workspace's root.

    Args:
      file: the File. One of another repository has its place below `external/<repository>`.
    Returns:
      string, with slashes.
    """
    repository, path = _split(file)
    return "external/{}/{}".format(repository, path) if repository else path

def path_in_repository(file):
    """Returns a file's path from the root of its repository, whichever that is.

    Args:
      file: the File.
    Returns:
      string, with slashes.
    """
    return _split(file)[1]

def package_name(label):
    """Returns the path of a label's package from the workspace's root, named as `source_name` does.

    Args:
      label: the Label.
    Returns:
      string; "" for the root package.
    """
    root = "external/" + repository_name(label.repo_name) if label.workspace_root else ""
    return "/".join([part for part in [root, label.package] if part])

def label_name(label):
    """Returns a label as people write it: without the @ of the main repository, in bzlmod and WORKSPACE alike.

    Args:
      label: the Label.
    Returns:
      string.
    """
    text = str(label).lstrip("@")
    if text.startswith("//"):
        return text
    repository, _, rest = text.partition("//")
    return "@{}//{}".format(repository_name(repository), rest)

def place(label, file, strip_prefix, dest):
    """Returns where a file goes, by the attributes `strip_prefix` and `dest` of a target, or fails with advice.

    Args:
      label: the target's.
      file: the File.
      strip_prefix: a directory below the target's package, or, with a slash in front, from the root of the file's repository.
      dest: the directory in the image.
    Returns:
      string, without a slash in front.
    """
    if strip_prefix.startswith("/"):
        name = path_in_repository(file)
        prefix = strip_prefix.strip("/")
    else:
        name = source_name(file)
        prefix = "/".join([part for part in [package_name(label), strip_prefix.strip("/")] if part])
    if not prefix:
        path = name
    elif name.startswith(prefix + "/"):
        path = name[len(prefix) + 1:]
    else:
        fail("{}: source {} is not below {}: set strip_prefix; \"/{}\" is from the root of its repository.".format(
            label_name(label),
            source_name(file),
            prefix or "/",
            path_in_repository(file).rpartition("/")[0],
        ))
    return "/".join([part for part in [dest.strip("/"), path] if part])

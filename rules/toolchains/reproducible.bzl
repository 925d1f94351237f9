"""What repository rules say of themselves to a Bazel that asks."""

def reproducible(rctx):
    """Says that a repository is the same bytes whenever it is fetched, so that Bazel 8 may share it between workspaces.

    Args:
      rctx: a repository rule's context.
    Returns:
      what the rule returns; None for a Bazel that does not ask.
    """
    return rctx.repo_metadata(reproducible = True) if hasattr(rctx, "repo_metadata") else None

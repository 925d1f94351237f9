"""Says what to write where an attribute names the wrong kind of target.

Bazel's own check names a provider, which users of the rules never write.
"""

load("//rules/private:naming.bzl", "label_name")

def require(ctx, attribute, target, provider, advice):
    """Returns a provider of a target, or fails with advice.

    Args:
      ctx: the rule's context.
      attribute: name of the attribute that names the target.
      target: the target.
      provider: the provider that it must have.
      advice: what to write instead, as a sentence.
    Returns:
      the provider.
    """
    if provider not in target:
        fail("{}: {} names {}, which is of another kind. {}".format(label_name(ctx.label), attribute, label_name(target.label), advice))
    return target[provider]

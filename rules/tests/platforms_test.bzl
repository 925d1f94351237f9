"""What a tool of this machine is compatible with: this machine, and no other."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/toolchains:platforms.bzl", "HOST", "PLATFORMS", "constraints_of", "is_host")

# As repository rules name systems and processors, by the platform of a release that runs there.
_MACHINES = {
    "darwin_amd64": struct(name = "mac os x", arch = "x86_64"),
    "darwin_arm64": struct(name = "mac os x", arch = "aarch64"),
    "linux_amd64": struct(name = "linux", arch = "amd64"),
    "linux_arm64": struct(name = "linux", arch = "aarch64"),
    "windows_amd64": struct(name = "windows server 2022", arch = "amd64"),
}

def _platforms_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, sorted(PLATFORMS), sorted(_MACHINES))
    for machine, os in _MACHINES.items():
        asserts.equals(env, PLATFORMS[machine].constraints, constraints_of(HOST, os))
        asserts.equals(env, [machine], [platform for platform in PLATFORMS if is_host(platform, os)])

    # Of what nobody here thought of, as much as is known: never everything.
    asserts.equals(env, ["@platforms//os:freebsd"], constraints_of(HOST, struct(name = "freebsd", arch = "mips64")))
    asserts.equals(env, [], [platform for platform in PLATFORMS if is_host(platform, struct(name = "linux", arch = "riscv64"))])
    return unittest.end(env)

platforms_test = unittest.make(_platforms_test_impl)

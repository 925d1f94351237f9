"""Programs that tests compare with: Python's, fetched through pip with required hashes, and Debian's."""

load("//rules/toolchains:micropython_repository.bzl", "micropython_repository")
load(":debian_tool.bzl", "debian_tools", "debian_tree", "firmware_repository")
load(":missing.bzl", "lacks", "missing_program")

_BUILD = """\
load("{launcher_rule}", "launcher")

launcher(
    name = "bin/{program}",
    srcs = glob(["lib/**"], allow_empty = True),
    script = "launcher/{program}",
    visibility = ["//visibility:public"],
)
"""

_SCRIPT = """\
#!/bin/sh
# Bazel calls this through a link, and lays lib beside the link's folder or beside this file's.
for top in "$(dirname "$(dirname "$0")")" "$(dirname "$(dirname "$(readlink -f "$0")")")"; do
  [ ! -e "$top/lib/{package}" ] || break
done
PYTHONPATH="$top/lib" PYTHONDONTWRITEBYTECODE=1 exec python3 -W ignore -m {module} "$@"
"""

def _python_tool_impl(rctx):
    package, _, program = rctx.attr.module.rpartition(".")
    rctx.file("BUILD.bazel", _BUILD.format(
        launcher_rule = Label("//rules/toolchains:launcher.bzl"),
        program = program,
    ))
    problem = lacks(rctx, "python3")
    if problem:
        missing_program(rctx, "launcher/" + program, problem)
        return
    python = rctx.which("python3")
    command = [python, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--require-hashes", "--dest", "wheels", "--requirement", rctx.path(rctx.attr.lock)]
    result = rctx.execute(command)
    if result.return_code:
        fail("pip could not fetch {}:\n{}".format(rctx.attr.lock, result.stderr))
    for wheel in rctx.path("wheels").readdir():
        rctx.symlink(wheel, wheel.basename + ".zip")  # extract goes by the name
        rctx.extract(wheel.basename + ".zip", output = "lib")
        rctx.delete(wheel.basename + ".zip")
    rctx.delete("wheels")
    rctx.file("launcher/" + program, _SCRIPT.format(module = rctx.attr.module, package = package or program), executable = True)

_python_tool = repository_rule(
    implementation = _python_tool_impl,
    attrs = {
        "lock": attr.label(mandatory = True, allow_single_file = True, doc = "A requirements file with hashes."),
        "module": attr.string(mandatory = True, doc = "The module that is the program, of which a last part behind a dot is the name."),
    },
)

def peers():
    """Declares the programs: mpremote of this release and of MicroPython 1.26, MicroPython with words of 32 bits, readers of files for programmers of flash, MicroPython's reader of manifests, a server of serial ports, and firmware with the emulator that runs it."""
    _python_tool(name = "romfs_peer_mpremote", lock = Label("//tools/peers.d:mpremote.txt"), module = "mpremote")
    _python_tool(name = "romfs_peer_mpremote_1_26", lock = Label("//tools/peers.d:mpremote-1.26.txt"), module = "mpremote")
    _python_tool(name = "romfs_peer_uf2conv", lock = Label("//tools/peers.d:uf2conv.txt"), module = "adafruit_uf2.uf2conv")
    debian_tree(
        name = "romfs_peer_manifestfile",
        files = ["tools/manifestfile.py"],
        script = Label("//tools/debian:manifestfile"),
        what = "MicroPython's tools/manifestfile.py, the manifests of its boards and what they freeze",
    )
    debian_tree(
        name = "romfs_peer_ser2net",
        files = ["bin/ser2net"],
        script = Label("//tools/debian:ser2net"),
        what = "Debian's ser2net",
    )
    micropython_repository(name = "romfs_peer_micropython_32", arch = "i386")
    debian_tools(
        name = "romfs_peer_flash",
        packages = ["dfu-util", "binutils"],
        programs = ["dfu-suffix", "dfuse-pack", "objcopy"],
        suite = "forky",
    )
    debian_tools(
        name = "romfs_peer_qemu_arm",
        packages = ["qemu-system-arm"],
        programs = ["qemu-system-arm"],
        suite = "forky",
    )
    debian_tree(
        name = "romfs_peer_arm_gcc",
        files = ["packages"],
        script = Label("//tools/debian:arm-gcc"),
        what = "Debian's gcc-arm-none-eabi",
    )
    debian_tree(
        name = "romfs_peer_micropython_source",
        files = ["packages"],
        script = Label("//tools/debian:micropython-source"),
        what = "Debian's source of MicroPython",
    )
    firmware_repository(
        name = "romfs_peer_firmware",
        build = Label("//firmware:build"),
        compiler = "@romfs_peer_arm_gcc//:packages",
        source = "@romfs_peer_micropython_source//:packages",
    )

python_tools = module_extension(
    implementation = lambda _: peers(),
    doc = "The same, for bzlmod; for work on rules_romfs only.",
)

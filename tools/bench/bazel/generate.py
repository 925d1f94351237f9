"""Generates a monorepo for tools/bench/bazel/run: generate.py DIRECTORY RULES_ROMFS.

  small/    one image of 20 modules
  big/      one image of 1,000 modules
  fleet/    40 libraries; 200 images of 3 modules and 2 libraries each; each image deployed to 5 boards
"""

import os
import sys

LIBRARIES, IMAGES = 40, 200
BOARDS = ["arduino-giga", "openmv-n6", "pybd-sf2", "pybd-sf6", "weact-h743"]


def write(path, text):
    path = os.path.join(sys.argv[1], path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)


def module(name, lines=40):
    body = "".join("    if x == %d:\n        return x * %d\n" % (i, i + 1) for i in range(lines // 2))
    return '"""%s"""\n\n\ndef f(x):\n%s    return x\n' % (name, body)


write("MODULE.bazel", """module(name = "bench")

bazel_dep(name = "rules_romfs", version = "0.1.0")
local_path_override(module_name = "rules_romfs", path = "%s")

bazel_dep(name = "rules_go", version = "0.64.1")

go_sdk = use_extension("@rules_go//go:extensions.bzl", "go_sdk")
go_sdk.host()
""" % sys.argv[2])
write("WORKSPACE.bzlmod", "")
with open(os.path.join(sys.argv[2], ".bazelversion")) as f:
    write(".bazelversion", f.read())
write(".bazelrc", """build --incompatible_strict_action_env
build --@rules_go//go/config:pure
build --experimental_output_paths=strip
""")

for name, modules in ("small", 20), ("big", 1000):
    write(name + "/BUILD.bazel", """load("@rules_romfs//rules:defs.bzl", "romfs_image")

romfs_image(
    name = "image",
    srcs = glob(["src/**"]),
    manifest = "romfs.yaml",
)
""")
    write(name + "/romfs.yaml", "version: 1\nname: %s\nfiles:\n  - {src: src/**/*.py, dest: /}\n" % name)
    for i in range(modules):
        write("%s/src/p%02d/m%03d.py" % (name, i // 50, i), module("m%d" % i))

write("fleet/lib/BUILD.bazel", 'load("@rules_romfs//rules:defs.bzl", "mpy_library")\n' + "".join("""
mpy_library(
    name = "lib%d",
    srcs = ["lib%d.py"],
    dest = "/lib",
    visibility = ["//visibility:public"],
)
""" % (i, i) for i in range(LIBRARIES)))
for i in range(LIBRARIES):
    write("fleet/lib/lib%d.py" % i, module("lib%d" % i))
for i in range(IMAGES):
    write("fleet/app%d/BUILD.bazel" % i, """load("@rules_romfs//rules:defs.bzl", "romfs_deploy", "romfs_image")

romfs_image(
    name = "image",
    srcs = glob(["src/**"]),
    manifest = "romfs.yaml",
    deps = ["//fleet/lib:lib%d", "//fleet/lib:lib%d"],
)

[
    romfs_deploy(
        name = "deploy-" + board,
        board = "@rules_romfs//rules/boards:" + board,
        image = ":image",
    )
    for board in %r
]
""" % (i % LIBRARIES, (i + 7) % LIBRARIES, BOARDS))
    write("fleet/app%d/romfs.yaml" % i, "version: 1\nname: app%d\nfiles:\n  - {src: src/*.py, dest: /}\n" % i)
    for name in ("main", "app", "view"):
        write("fleet/app%d/src/%s.py" % (i, name), module(name))

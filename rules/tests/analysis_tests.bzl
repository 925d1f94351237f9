"""What the rules declare: providers, actions, configurations."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//rules:defs.bzl", "MpyInfo", "RomfsDeployInfo", "RomfsImageInfo")

def _count(actions):
    counts = {}
    for action in actions:
        if action.mnemonic.startswith("Romfs"):
            counts[action.mnemonic] = counts.get(action.mnemonic, 0) + 1
    return counts

def _names(files):
    return sorted([file.basename for file in files.to_list()])

def _named(actions, mnemonic, output = ""):
    for action in actions:
        if action.mnemonic == mnemonic and [file for file in action.outputs.to_list() if file.basename.endswith(output)]:
            return action
    fail("no action {} makes *{}".format(mnemonic, output))

def _without_tools(action):
    # The packager, the compiler and the file of arguments come with every action.
    return sorted([
        file.basename
        for file in action.inputs.to_list()
        if "packager" not in file.path and "mpy_cross" not in file.path and not file.path.endswith(".params")
    ])

def _image_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    actions = analysistest.target_actions(env)

    asserts.equals(env, ["image.romfs"], _names(target[DefaultInfo].files))
    info = target[RomfsImageInfo]
    asserts.equals(env, "image.romfs", info.image.basename)
    asserts.equals(env, "image.romfs.json", info.sidecar.basename)
    asserts.equals(env, "image.romfs.sha256", info.digest.basename)
    asserts.equals(env, "image.romfs.origins.json", info.origins.basename)
    asserts.equals(env, "image.effective.yaml", info.effective_manifest.basename)
    asserts.equals(env, "", info.board.id)

    groups = target[OutputGroupInfo]
    for group in ("sidecar", "digest", "origins", "effective_manifest", "hashed", "ram", "report", "sbom", "sbom_spdx", "_validation"):
        asserts.equals(env, 1, len(groups[group].to_list()), group)

    asserts.equals(env, {
        "RomfsBill": 2,
        "RomfsCompile": 3,
        "RomfsEffectiveManifest": 1,
        "RomfsPack": 1,
        "RomfsPackages": 1,
        "RomfsPlan": 1,
        "RomfsPublish": 1,
        "RomfsRam": 1,
        "RomfsReport": 1,
        "RomfsValidate": 1,
    }, _count(actions))

    # The plan knows names, not contents; an edit compiles what was edited; budgets read what describes the image.
    asserts.equals(env, ["romfs.yaml"], _without_tools(_named(actions, "RomfsPlan")))
    asserts.equals(env, ["app.py", "app.py.options.json"], _without_tools(_named(actions, "RomfsCompile", "app.mpy")))
    asserts.equals(env, ["image.romfs.json", "image.romfs.plan.json"], _without_tools(_named(actions, "RomfsValidate")))
    for action in actions:
        if action.mnemonic.startswith("Romfs"):
            asserts.equals(env, {}, action.env, action.mnemonic + " has an environment")
    return analysistest.end(env)

image_test = analysistest.make(_image_test_impl)

def _libraries_test_impl(ctx):
    env = analysistest.begin(ctx)
    actions = analysistest.target_actions(env)

    # Its own three; the libraries compile theirs.
    asserts.equals(env, 3, _count(actions)["RomfsCompile"])
    inputs = [file.short_path for file in _named(actions, "RomfsPack").inputs.to_list()]
    for path in (
        "helpers.romfs.plan.json",
        "helpers.romfs.d/rules/tests/fixtures/src/app.mpy",
        "more_helpers.romfs.d/rules/tests/fixtures/src/other.mpy",
    ):
        asserts.true(env, [i for i in inputs if i.endswith("/" + path)], "{} is no input of the pack action".format(path))
    return analysistest.end(env)

libraries_test = analysistest.make(_libraries_test_impl)

def _library_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, ["other.mpy"], _names(target[DefaultInfo].files))
    info = target[MpyInfo]
    asserts.equals(env, ["app.mpy", "other.mpy"], _names(info.files))
    asserts.equals(env, 2, len(info.plans.to_list()))
    asserts.equals(env, [
        "rules/tests/fixtures/src/app.py",
        "rules/tests/fixtures/src/other.py",
    ], sorted([source.name for source in info.sources.to_list()]))
    asserts.equals(env, {"RomfsCompile": 1, "RomfsPlan": 1}, _count(analysistest.target_actions(env)))

    manifest = [a for a in analysistest.target_actions(env) if a.mnemonic == "FileWrite"][0]
    asserts.equals(env, {
        "files": [{"dest": "lib/src/other.py", "src": "rules/tests/fixtures/src/other.py"}],
        "mpy": {"arch": "none", "emit": "bytecode", "optimize": 0},
        "name": "library",
        "root": "../../..",
        "version": 1,
    }, json.decode(manifest.content))
    return analysistest.end(env)

library_test = analysistest.make(_library_test_impl)

def _board_test_impl(ctx):
    env = analysistest.begin(ctx)
    board = analysistest.target_under_test(env)[RomfsImageInfo].board
    asserts.equals(env, ctx.attr.id, board.id)
    asserts.equals(env, ctx.attr.profile, board.profile.basename if board.profile else "")
    return analysistest.end(env)

_BOARD_ATTRS = {"id": attr.string(), "profile": attr.string()}

board_test = analysistest.make(_board_test_impl, attrs = _BOARD_ATTRS)

board_by_platform_test = analysistest.make(
    _board_test_impl,
    attrs = _BOARD_ATTRS,
    config_settings = {"//command_line_option:platforms": str(Label("//rules/boards:arduino-giga"))},
)

board_by_flag_test = analysistest.make(
    _board_test_impl,
    attrs = _BOARD_ATTRS,
    config_settings = {str(Label("//rules:board")): str(Label("//rules/tests/fixtures:own_board"))},
)

def _deploy_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    requests = [a for a in analysistest.target_actions(env) if a.mnemonic == "FileWrite" and
                                                               [f for f in a.outputs.to_list() if f.basename.endswith(".request.json")]]
    request = json.decode(requests[0].content)
    asserts.equals(env, "deploy", request["kind"])
    asserts.equals(env, ctx.attr.images, [deploy["image"].split("/", 1)[1] for deploy in request["deploys"]])
    asserts.equals(env, ctx.attr.boards, [deploy["board"]["id"] or deploy["board"]["profile"].split("/", 1)[1] for deploy in request["deploys"]])

    # Nothing in a request may depend on where Bazel puts outputs.
    asserts.false(env, "bazel-out" in requests[0].content)
    asserts.equals(env, len(ctx.attr.images), len(target[RomfsDeployInfo].deploys))
    runfiles = [file.short_path for file in target[DefaultInfo].default_runfiles.files.to_list()]
    for image in ctx.attr.images:
        asserts.true(env, image in runfiles and image + ".json" in runfiles, image + " is not in the runfiles")
    asserts.equals(
        env,
        target[DefaultInfo].files_to_run.executable.short_path + ".request.json",
        target[RunEnvironmentInfo].environment["ROMFS_REQUEST"],
    )
    return analysistest.end(env)

_DEPLOY_ATTRS = {"boards": attr.string_list(), "images": attr.string_list()}

deploy_test = analysistest.make(_deploy_test_impl, attrs = _DEPLOY_ATTRS)

# The tool of a deploy is the host's, whatever the image is built for.
deploy_under_platform_test = analysistest.make(
    _deploy_test_impl,
    attrs = _DEPLOY_ATTRS,
    config_settings = {"//command_line_option:platforms": str(Label("//rules/boards:arduino-giga"))},
)

def _failure_test_impl(ctx):
    env = analysistest.begin(ctx)
    for message in ctx.attr.messages:
        asserts.expect_failure(env, message)
    return analysistest.end(env)

failure_test = analysistest.make(
    _failure_test_impl,
    attrs = {"messages": attr.string_list()},
    expect_failure = True,
)

def _request_test_impl(ctx):
    env = analysistest.begin(ctx)
    requests = [a for a in analysistest.target_actions(env) if a.mnemonic == "FileWrite" and
                                                               [f for f in a.outputs.to_list() if f.basename.endswith(".request.json")]]
    request = json.decode(requests[0].content)
    for key, value in ctx.attr.values.items():
        asserts.equals(env, value.replace("WORKSPACE", ctx.workspace_name), str(request.get(key)), key)
    runfiles = analysistest.target_under_test(env)[DefaultInfo].default_runfiles.files.to_list()
    interpreters = [file.short_path for file in runfiles if file.basename == "micropython"]
    asserts.equals(env, ctx.attr.interpreter, bool(interpreters), "whether the interpreter is among the runfiles")
    return analysistest.end(env)

_REQUEST_ATTRS = {
    "interpreter": attr.bool(),
    "values": attr.string_dict(doc = "Of the request, as text."),
}

request_test = analysistest.make(_request_test_impl, attrs = _REQUEST_ATTRS)

# Tests would run on a platform that there is no interpreter for.
request_elsewhere_test = analysistest.make(
    _request_test_impl,
    attrs = _REQUEST_ATTRS,
    config_settings = {"//command_line_option:extra_execution_platforms": str(Label("//rules/tests:elsewhere"))},
)

def _export_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, [ctx.attr.file], _names(target[DefaultInfo].files))
    asserts.equals(env, {"RomfsExport": 1}, _count(analysistest.target_actions(env)))
    return analysistest.end(env)

export_test = analysistest.make(_export_test_impl, attrs = {"file": attr.string()})

def _out_test_impl(ctx):
    env = analysistest.begin(ctx)
    info = analysistest.target_under_test(env)[RomfsImageInfo]
    for file, name in [(info.image, "fw.img"), (info.sidecar, "fw.img.json"), (info.digest, "fw.img.sha256"), (info.origins, "fw.img.origins.json")]:
        asserts.equals(env, name, file.basename)
    return analysistest.end(env)

out_test = analysistest.make(_out_test_impl)

def _optimized_test_impl(ctx):
    env = analysistest.begin(ctx)
    manifest = [a for a in analysistest.target_actions(env) if a.mnemonic == "FileWrite"][0]
    asserts.equals(env, json.decode(ctx.attr.mpy), json.decode(manifest.content)["mpy"])
    return analysistest.end(env)

# Flags of the build reach libraries that say nothing themselves.
optimized_test = analysistest.make(
    _optimized_test_impl,
    attrs = {"mpy": attr.string()},
    config_settings = {
        str(Label("//rules:emit")): "native",
        str(Label("//rules:optimize")): "3",
    },
)

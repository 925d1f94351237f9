"""The actions behind libraries and images: plan, compile, pack, validate.

Each runs one hidden verb of the packager, `romfs bazel ...`, on a file of arguments. Paths get into that
file through `Args` only, so that Bazel can map them (`--experimental_output_paths=strip`): boards whose
bytecode is the same then share its compile actions.
"""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load("//rules/private:encoding.bzl", "ascii_name")
load("//rules/private:mpy_cross_toolchain.bzl", "MPY_CROSS_TOOLCHAIN_TYPE", "MpyCrossVersionsInfo")
load("//rules/private:naming.bzl", "label_name", "source_name")
load("//rules/private:packager_toolchain.bzl", "PACKAGER_TOOLCHAIN_TYPE")

_PACKAGER = config_common.toolchain_type(PACKAGER_TOOLCHAIN_TYPE, mandatory = True)

# What rules that call these functions declare as their toolchains and execution groups. A compilation runs two
# tools, which must be for one platform. Without mpy-cross everything else works, and only the packager knows, from
# the manifest, whether something is compiled.
TOOLCHAINS = [_PACKAGER]
_COMPILE = "compile"
EXEC_GROUPS = {
    _COMPILE: exec_group(toolchains = [
        _PACKAGER,
        config_common.toolchain_type(MPY_CROSS_TOOLCHAIN_TYPE, mandatory = False),
    ]),
}

# What they have among their attributes.
ACTION_ATTRS = {
    "_emit": attr.label(default = Label("//rules:emit"), providers = [BuildSettingInfo]),
    "_mpy_cross_versions": attr.label(default = Label("@romfs_toolchains//:mpy_cross_versions"), providers = [MpyCrossVersionsInfo]),
    "_optimize": attr.label(default = Label("//rules:optimize"), providers = [BuildSettingInfo]),
}

def build_defaults(ctx):
    """Returns what the flags of the build say for whatever says nothing itself.

    Args:
      ctx: the context of a rule or aspect that has ACTION_ATTRS.
    Returns:
      struct of `optimize` (int, or None), `emit` and `arch` (strings, "" for nothing).
    """
    optimize = ctx.attr._optimize[BuildSettingInfo].value
    emit = ctx.attr._emit[BuildSettingInfo].value
    return struct(
        arch = "board" if emit in ("native", "viper") else "",
        emit = emit,
        optimize = int(optimize) if optimize else None,
    )

def compiler_of(ctx):
    """Returns the compiler of Python.

    Args:
      ctx: the context of a rule that has EXEC_GROUPS.
    Returns:
      ToolchainInfo, as mpy_cross_toolchain makes it; None without one.
    """
    return ctx.exec_groups[_COMPILE].toolchains[MPY_CROSS_TOOLCHAIN_TYPE]

def arguments(ctx, verb):
    """Begins the file of arguments of one action.

    Args:
      ctx: the rule's context.
      verb: the packager's verb, below `romfs bazel`.
    Returns:
      list of two Args: the command line as it stands, and the flags to add to.
    """
    command = ctx.actions.args()
    command.add("bazel").add(verb)
    flags = ctx.actions.args()
    flags.set_param_file_format("multiline")
    flags.use_param_file("@%s", use_always = True)
    flags.add(str(ctx.label), format = "--label=%s")
    return [command, flags]

def run(ctx, mnemonic, message, args, inputs, outputs, tools = [], exec_group = None):
    """Runs the packager as an action.

    Args:
      ctx: the rule's context.
      mnemonic: the action's.
      message: its progress message.
      args: what `arguments` began.
      inputs: list or depset of File.
      outputs: list of File.
      tools: executables besides the packager.
      exec_group: name of the execution group that it runs in; by default the rule's own.
    """
    toolchains = ctx.exec_groups[exec_group].toolchains if exec_group else ctx.toolchains
    ctx.actions.run(
        executable = toolchains[PACKAGER_TOOLCHAIN_TYPE].packager,
        arguments = args,
        inputs = inputs,
        outputs = outputs,
        tools = tools,
        mnemonic = mnemonic,
        progress_message = message,
        toolchain = None if exec_group else PACKAGER_TOOLCHAIN_TYPE,
        exec_group = exec_group,
        execution_requirements = {"supports-path-mapping": "1"},
    )

def add_board(flags, board):
    """Adds the flags for a board.

    Args:
      flags: Args.
      board: RomfsBoardInfo.
    Returns:
      list of File: further inputs of the action.
    """
    if board.profile:
        flags.add(board.profile, format = "--board-file=%s")
        return [board.profile]
    if board.id:
        flags.add(board.id, format = "--board=%s")
    return []

def _options_flag(source):
    return "--options=%s\t%s" % (source.name, source.options.path)

def _tool_flag(tool):
    return "--tool=%s\t%s" % (tool.name, tool.executable.path)

def _input_flag(file):
    return "--input=%s\t%s" % (source_name(file), file.path)

def _is_transformed(name, tools):
    # What haar converts needs no tool, so only a name can say it.
    return bool(tools) or name.endswith(".xml")

def plan(ctx, manifest, sources, board, images = [], overrides = {}, transforms = None):
    """Decides what goes where, from a manifest and the names of the sources, and compiles the Python.

    The plan depends on no source's content. It writes one small file of options for each Python source, so
    that an edit compiles one file, and a new rule in the manifest compiles what it changes.

    Args:
      ctx: the rule's context.
      manifest: File.
      sources: list of File: all that the manifest can name.
      board: RomfsBoardInfo.
      images: list of string: the nested images, as the manifest names them.
      overrides: dict, flags of `romfs build` that override the manifest, by name.
      transforms: None where the manifest has none; else struct of `tools` (list of struct: `name`, as the manifest
        calls it, `executable`, and `files_to_run`) and `inputs` (list of File).
    Returns:
      struct of `plan` (File), `sources` (list of struct, as in MpyInfo), `originals` (list of File: those that are
      Python), `compiled` (list of File: what the compile actions made of them) and `files` (list of File: those, what transforms made, and the other sources).
    """
    folder = ctx.label.name + ".romfs.d/"
    out = ctx.actions.declare_file(ctx.label.name + ".romfs.plan.json")  # Any name in the folder can be a source's.
    mpy_cross = compiler_of(ctx)

    entries = []
    python = []
    others = []
    data = []
    _check(ctx, sources)
    for file in sources:
        name = source_name(file)
        made_name = folder + ascii_name(name)
        if not name.endswith(".py"):
            made = None
            if transforms and _is_transformed(name, transforms.tools):
                made = struct(
                    name = name,
                    file = file,
                    options = ctx.actions.declare_file(made_name + ".options.json"),
                    compiled = ctx.actions.declare_file(made_name + ".transformed"),
                )
                others.append(made)
            data.append(file)
            entries.append(struct(plan = out, name = name, file = file, compiled = made.compiled if made else None))
            continue
        module = struct(
            name = name,
            file = file,
            options = ctx.actions.declare_file(made_name + ".options.json"),
            compiled = ctx.actions.declare_file(made_name[:-len(".py")] + ".mpy"),
        )
        python.append(module)
        entries.append(struct(plan = out, name = name, file = file, compiled = module.compiled))

    args = arguments(ctx, "plan")
    flags = args[1]
    flags.add(manifest, format = "--manifest=%s")
    flags.add(source_name(manifest), format = "--manifest-name=%s")
    if mpy_cross:
        flags.add(mpy_cross.version, format = "--mpy-cross-version=%s")
    inputs = [manifest] + add_board(flags, board)
    for flag, value in overrides.items():
        flags.add("--%s=%s" % (flag, value))
    flags.add_all([e.name for e in entries], format_each = "--src=%s")
    flags.add_all(python + others, map_each = _options_flag)
    if transforms:
        flags.add_all([tool.name for tool in transforms.tools], format_each = "--tool=%s")
        flags.add_all([source_name(file) for file in transforms.inputs], format_each = "--input=%s")
    flags.add_all(images, format_each = "--image=%s")
    flags.add(out, format = "--out=%s")
    run(
        ctx,
        mnemonic = "RomfsPlan",
        message = "Planning %{label}",
        args = args,
        inputs = inputs,
        outputs = [out] + [module.options for module in python + others],
    )

    for module in python:
        _compile(ctx, module, mpy_cross)
    for source in others:
        _transform(ctx, source, transforms)
    compiled = [module.compiled for module in python]
    files = compiled + data + [source.compiled for source in others]
    originals = [module.file for module in python]
    return struct(plan = out, sources = entries, originals = originals, compiled = compiled, files = files)

def _check(ctx, sources):
    """Refuses sources that no manifest can name, or that two names are one of."""
    names = {}
    for file in sources:
        if file.is_directory:
            fail("{}: {} is a directory that a rule makes, whose files Bazel does not know beforehand: have the rule declare each file, or pack them into one.".format(
                label_name(ctx.label),
                label_name(file.owner),
            ))
        name = source_name(file)
        if name in names:
            fail("{}: {} and {} are both called {}: name one of them.".format(label_name(ctx.label), str(names[name].owner), str(file.owner), name))
        names[name] = file

def _transform(ctx, source, transforms):
    args = arguments(ctx, "transform")
    flags = args[1]
    flags.add(source.name, format = "--name=%s")
    flags.add(source.file, format = "--source=%s")
    flags.add(source.options, format = "--options-file=%s")
    flags.add_all(transforms.tools, map_each = _tool_flag)
    flags.add_all(transforms.inputs, map_each = _input_flag)
    flags.add(source.compiled, format = "--out=%s")
    run(
        ctx,
        mnemonic = "RomfsTransform",
        message = "Transforming %s" % source.name,
        args = args,
        inputs = [source.file, source.options] + transforms.inputs,
        outputs = [source.compiled],
        tools = [tool.files_to_run for tool in transforms.tools],
    )

def _compile(ctx, module, mpy_cross):
    args = arguments(ctx, "compile")
    flags = args[1]
    flags.add(module.name, format = "--name=%s")
    flags.add(module.file, format = "--source=%s")
    flags.add(module.options, format = "--options-file=%s")
    tools = []
    if mpy_cross and mpy_cross.mpy_cross:
        flags.add(mpy_cross.mpy_cross.executable, format = "--mpy-cross=%s")
        flags.add(mpy_cross.version, format = "--mpy-cross-version=%s")
        tools.append(mpy_cross.mpy_cross)
    else:
        # For the error, if there is something to compile.
        versions = ctx.attr._mpy_cross_versions[MpyCrossVersionsInfo]
        flags.add(mpy_cross.problem if mpy_cross else "", format = "--mpy-cross-problem=%s")
        flags.add(versions.wanted, format = "--mpy-cross-wanted=%s")
        flags.add_all(versions.known, format_each = "--mpy-cross-known=%s")
    flags.add(module.compiled, format = "--out=%s")
    run(
        ctx,
        mnemonic = "RomfsCompile",
        message = "Compiling %s" % module.name,
        args = args,
        inputs = [module.file, module.options],
        outputs = [module.compiled],
        tools = tools,
        exec_group = _COMPILE,
    )

def _source_flag(source):
    return "--src=%s\t%s\t%s\t%s\t%s" % (
        source.plan.path,
        source.name,
        source.file.path,
        source.compiled.path if source.compiled else "",
        str(source.file.owner),
    )

def add_plans(flags, planned, libraries, images):
    """Adds the flags that say what an image is made of.

    Args:
      flags: Args.
      planned: the image's own plan, as `plan` returned it.
      libraries: list of MpyInfo.
      images: dict from the nested images, as the manifest names them, to RomfsImageInfo.
    Returns:
      depset of File: the plans.
    """
    plans = depset(transitive = [library.plans for library in libraries], order = "postorder")
    sources = depset(planned.sources, transitive = [library.sources for library in libraries], order = "postorder")
    flags.add(planned.plan, format = "--plan=%s")
    flags.add_all(plans, format_each = "--library=%s")
    flags.add_all(sources, map_each = _source_flag)
    for name, info in images.items():
        flags.add_joined(
            [name, info.image, info.sidecar, info.effective_manifest],
            join_with = "\t",
            format_joined = "--image=%s",
        )
    return depset([planned.plan], transitive = [plans])

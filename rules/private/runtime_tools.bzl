"""What deploys and tests run: the packager, and a MicroPython interpreter for those that need one.

Each is a target of its own, so that who needs it chooses its platform by a transition on one attribute, and so that
who does not need the interpreter does not have it fetched.
"""

load("//rules/private:micropython_toolchain.bzl", "MICROPYTHON_TOOLCHAIN_TYPE")
load("//rules/private:packager_toolchain.bzl", "PACKAGER_RUNTIME_TOOLCHAIN_TYPE")
load("//rules/private:transitions.bzl", "host_transition", "unix_transition")

RuntimeToolsInfo = provider(
    doc = "The packager, for the platform that it was resolved for.",
    fields = {"packager": "DefaultInfo: the packager."},
)

InterpreterInfo = provider(
    doc = "The interpreter, for the platform that it was resolved for.",
    fields = {
        "micropython": "DefaultInfo: the interpreter; None where there is none.",
        "problem": "string: why there is none, and what to do; \"\" where the packager's own serves.",
    },
)

runtime_tools = rule(
    implementation = lambda ctx: [RuntimeToolsInfo(packager = ctx.toolchains[PACKAGER_RUNTIME_TOOLCHAIN_TYPE].packager)],
    doc = "Resolves the packager for the target platform.",
    toolchains = [config_common.toolchain_type(PACKAGER_RUNTIME_TOOLCHAIN_TYPE, mandatory = True)],
    provides = [RuntimeToolsInfo],
)

_NONE = "there is no MicroPython interpreter for the platform that runs this: register a toolchain of type " + \
        "@rules_romfs//rules:micropython_toolchain_type for it"

def _interpreter_impl(ctx):
    toolchain = ctx.toolchains[MICROPYTHON_TOOLCHAIN_TYPE]
    if not toolchain:
        return [InterpreterInfo(micropython = None, problem = _NONE if ctx.attr.unix else "")]
    return [InterpreterInfo(micropython = toolchain.micropython, problem = toolchain.problem)]

interpreter = rule(
    implementation = _interpreter_impl,
    doc = "Resolves the interpreter for the target platform. Without one, what would run it fails when it is run.",
    cfg = unix_transition,
    attrs = {"unix": attr.bool(doc = "Whether it has to be MicroPython's unix port: else only one that the user names is taken, and the packager brings its own.")},
    toolchains = [config_common.toolchain_type(MICROPYTHON_TOOLCHAIN_TYPE, mandatory = False)],
    provides = [InterpreterInfo],
)

_TOOLS = Label("//rules/private:runtime_tools")
_INTERPRETER = Label("//rules/private:interpreter")
_NAMED_INTERPRETER = Label("//rules/private:named_interpreter")

def _if_imports(imports, max_ram, repack):
    # Code for this machine's processor is nothing for the packager's own.
    return (_INTERPRETER if repack else _NAMED_INTERPRETER) if imports or max_ram else None

def _if_simulated(port, sim):
    return _INTERPRETER if sim or port.startswith("sim:") else None

def test_tools(interpreter):
    """Returns the attributes by which a test has its tools, which run where tests run.

    Args:
      interpreter: function from attributes of the rule, its parameters, to the label of the interpreter or None.
    Returns:
      dict of attributes.
    """
    cfg = config.exec(exec_group = "test")
    return {
        "_interpreter": attr.label(default = interpreter, cfg = cfg, providers = [InterpreterInfo]),
        "_tools": attr.label(default = _TOOLS, cfg = cfg, providers = [RuntimeToolsInfo]),
    }

# What a test has that never imports anything, one with the attribute `imports`, and one with `port` and `sim`.
TEST_TOOLS = {"_tools": attr.label(default = _TOOLS, cfg = config.exec(exec_group = "test"), providers = [RuntimeToolsInfo])}
IMPORT_TEST_TOOLS = test_tools(_if_imports)
DEPLOY_TEST_TOOLS = test_tools(_if_simulated)

# An action that imports has the user's interpreter where actions run, if there is one.
MEASURE_TOOLS = {"_measures": attr.label(default = _NAMED_INTERPRETER, cfg = "exec", providers = [InterpreterInfo])}

# What `bazel run` starts has its tools for the machine of Bazel's client.
RUN_TOOLS = {"_tools": attr.label(default = _TOOLS, cfg = host_transition, providers = [RuntimeToolsInfo])}
DEPLOY_TOOLS = RUN_TOOLS | {
    "_interpreter": attr.label(default = _if_simulated, cfg = host_transition, providers = [InterpreterInfo]),
}

def _one(attribute):
    # An attribute with a transition is a list.
    return attribute[0] if type(attribute) == "list" and attribute else attribute or None

def packager_of(ctx):
    """Returns the packager of a rule with one of the dicts of attributes above.

    Args:
      ctx: the rule's context.
    Returns:
      DefaultInfo.
    """
    return _one(ctx.attr._tools)[RuntimeToolsInfo].packager

def interpreter_of(ctx):
    """Returns the interpreter of a rule with one of the dicts of attributes above.

    Args:
      ctx: the rule's context.
    Returns:
      InterpreterInfo; None where the target needs none.
    """
    target = _one(ctx.attr._interpreter)
    return target[InterpreterInfo] if target else None

def measuring_interpreter_of(ctx):
    """Returns the interpreter of a rule with MEASURE_TOOLS.

    Args:
      ctx: the rule's context.
    Returns:
      InterpreterInfo, of which `micropython` is None where the packager's own serves.
    """
    return ctx.attr._measures[InterpreterInfo]

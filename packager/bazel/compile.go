package bazel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"rules_romfs/packager/mpy"
)

// errNoCompiler is what a build without the toolchain gets, once it has
// something to compile.
var errNoCompiler = errors.New("there is no mpy-cross toolchain for this platform; register one: " +
	"use_extension(\"@rules_romfs//rules:extensions.bzl\", \"romfs\") in MODULE.bazel, rules_romfs_toolchains() in WORKSPACE, " +
	"or a toolchain() of type @rules_romfs//rules:mpy_cross_toolchain_type; or pack sources with mpy: {compile: false}")

// compile compiles one source as its options file says. What it writes is empty
// for a source that is not compiled, the .mpy file for one destination, and
// for several the .mpy files in the order of the options, each behind its
// length: see [splitCompiled].
func (a *Action) compile(ctx context.Context, f *flags) error {
	var o optionsFile
	if err := readJSON(f.optionsFile, &o); err != nil {
		return err
	}
	var code []byte
	if len(o.Jobs) > 0 {
		if f.mpyCross == "" {
			return fmt.Errorf("%s: %w", f.name, errNoCompiler)
		}
		src, err := os.ReadFile(f.src)
		if err != nil {
			return err
		}
		path, err := filepath.Abs(f.mpyCross)
		if err != nil {
			return err
		}
		compiler := &mpy.Compiler{Path: path, Release: f.mpyCrossVersion}
		compiled := make([][]byte, len(o.Jobs))
		for i, job := range o.Jobs {
			if compiled[i], err = compiler.Compile(ctx, src, job); err != nil {
				return nameSource(err, f.name)
			}
		}
		code = joinCompiled(compiled)
	}
	return os.WriteFile(f.out, code, 0o666)
}

// nameSource makes a compiler's error name the source instead of its destination.
func nameSource(err error, name string) error {
	var bad *mpy.CompileError
	if !errors.As(err, &bad) {
		return fmt.Errorf("%s: %w", name, err)
	}
	named := *bad
	named.File = name
	return &named
}

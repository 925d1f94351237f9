package bazel

import (
	"context"
	"crypto/sha256"
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

// compile compiles one source as its options file says, and writes a [module]:
// all that the pack action needs of that source.
func (a *Action) compile(ctx context.Context, f *flags) error {
	var o optionsFile
	if err := readJSON(f.optionsFile, &o); err != nil {
		return err
	}
	if len(o.Jobs) == 0 && !o.Keep {
		return os.WriteFile(f.out, nil, 0o666)
	}
	src, err := os.ReadFile(f.src)
	if err != nil {
		return err
	}
	m := module{source: sha256.Sum256(src)}
	if len(o.Jobs) > 0 {
		if f.mpyCross == "" {
			return fmt.Errorf("%s: %w", f.name, errNoCompiler)
		}
		path, err := filepath.Abs(f.mpyCross)
		if err != nil {
			return err
		}
		compiler := &mpy.Compiler{Path: path, Release: f.mpyCrossVersion}
		for _, job := range o.Jobs {
			code, err := compiler.Compile(ctx, src, job)
			if err != nil {
				return nameSource(err, f.name)
			}
			m.parts = append(m.parts, code)
		}
	}
	if o.Keep {
		m.parts = append(m.parts, src)
	}
	return os.WriteFile(f.out, m.encode(), 0o666)
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

package bazel

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rules_romfs/packager/mpy"
)

// A missingCompiler says why there is none.
type missingCompiler struct {
	problem string   // of the toolchain that was chosen; empty without one
	wanted  string   // the version that the build asks for
	known   []string // those that there are toolchains for
}

// err is what a build without a compiler gets, once it has something to compile.
func (m missingCompiler) err() error {
	const flag = "--@rules_romfs//rules/toolchains:mpy_cross_version"
	switch {
	case m.problem != "":
		return errors.New(m.problem)
	case m.wanted != "" && !slices.Contains(m.known, m.wanted):
		return fmt.Errorf("%s is %q, and there is no such mpy-cross; name one of %s, or add yours in MODULE.bazel: romfs.mpy_cross(version = %q, path = \"...\")",
			flag, m.wanted, strings.Join(m.known, ", "), m.wanted)
	}
	return errors.New("there is no mpy-cross toolchain for this platform; register one: " +
		"romfs.mpy_cross(version = \"...\", path = \"...\") in MODULE.bazel, rules_romfs_toolchains(mpy_cross = [...]) in WORKSPACE, " +
		"or a toolchain() of type @rules_romfs//rules:mpy_cross_toolchain_type; or pack sources with mpy: {compile: false}")
}

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
			return fmt.Errorf("%s: %w", f.name, f.missing.err())
		}
		path, err := filepath.Abs(f.mpyCross)
		if err != nil {
			return err
		}
		compiler := &mpy.Compiler{Path: path, Release: f.mpyCrossVersion}
		for _, job := range o.Jobs {
			code, err := compiler.Compile(ctx, src, job)
			if err != nil {
				return f.nameSource(err, path)
			}
			m.parts = append(m.parts, code)
		}
	}
	if o.Keep {
		m.parts = append(m.parts, src)
	}
	return os.WriteFile(f.out, m.encode(), 0o666)
}

// nameSource makes a compiler's error name the source instead of its
// destination, and the compiler, whose path is that of a sandbox which is gone
// when somebody reads this, as Bazel does.
func (f *flags) nameSource(err error, compiler string) error {
	var bad *mpy.CompileError
	if !errors.As(err, &bad) {
		return &shownError{err, f.name + ": " + strings.ReplaceAll(err.Error(), compiler, f.mpyCross)}
	}
	named := *bad
	named.File = f.name
	named.Message = strings.ReplaceAll(bad.Message, compiler, f.mpyCross)
	return &named
}

// A shownError is an error in other words.
type shownError struct {
	error
	text string
}

func (e *shownError) Error() string { return e.text }
func (e *shownError) Unwrap() error { return e.error }

// Package bazel is what the rules in //rules run: one function for each of
// their actions, and the one that carries out the request of a deploy or test
// target.
//
// Actions get their arguments from a file, one flag a line, as Bazel writes
// it. They read only what they are given, write only what they are asked to,
// and use neither the CLI's compile cache nor its thread pool: Bazel has its
// own. Sources are called by their name, the path from the workspace's root,
// which is the same on every machine and in every configuration.
package bazel

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// An Action is one run of the packager by Bazel.
type Action struct {
	Stderr  io.Writer // for warnings
	Version string    // of the packager
}

// Run executes `romfs bazel ARGS...`. Errors begin with the target's label.
func (a *Action) Run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("romfs bazel: no verb; this is for the rules in //rules")
	}
	verbs := map[string]func(context.Context, *flags) error{
		"plan": a.plan, "compile": a.compile, "transform": a.transform,
		"pack": a.pack, "effective": a.effective, "validate": a.validate, "publish": a.publish, "export": a.export,
		"packages": a.packages, "sbom": a.sbom, "ram": a.ram, "report": a.report,
	}
	run, ok := verbs[args[0]]
	if !ok {
		return fmt.Errorf("romfs bazel: no verb %q; this is for the rules in //rules", args[0])
	}
	f, err := parse(args[1:])
	if err != nil {
		return fmt.Errorf("romfs bazel %s: %w", args[0], err)
	}
	return forTarget(f.label, run(ctx, f))
}

func (a *Action) warn(f *flags, message string) {
	fmt.Fprintf(a.Stderr, "warning: %s: %s\n", f.label, message)
}

// A TargetError says which target an error belongs to: one build shows those
// of many.
type TargetError struct {
	Label string
	Err   error
}

func (e *TargetError) Error() string { return e.Label + ": " + e.Err.Error() }
func (e *TargetError) Unwrap() error { return e.Err }

// forTarget makes each of the errors that were joined a TargetError.
func forTarget(label string, err error) error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		if each := joined.Unwrap(); err.Error() == errors.Join(each...).Error() {
			errs := make([]error, len(each))
			for i := range each {
				errs[i] = forTarget(label, each[i])
			}
			return errors.Join(errs...)
		}
	}
	return &TargetError{label, err}
}

// flags are all that actions take; each uses some.
type flags struct {
	label string // of the target, as a person writes it

	manifest, manifestName     string
	board, boardFile           string
	partition, layout          string
	partitionSize              int64
	plan, sidecar, image, name string
	libraries                  []string
	sources                    []source
	images                     []image
	options                    []pair
	tools                      map[string]string // of transforms: the manifest's name of each, and its path
	inputs                     []string          // of transforms: their names from the workspace's root
	given                      []pair            // the same with their paths
	src, optionsFile           string
	mpyCross, mpyCrossVersion  string
	missing                    missingCompiler // where mpyCross is empty
	optimize, emit             string          // of what the manifest does not say it of; empty: as it has always been
	format, pad                string          // of an export
	address, uf2Family         string
	out, digest, origins       string
	outDir                     string
	packageOf                  []packageRecord
	nested                     []pair // the images in it, as the manifest names them, and the packages in those
	packages                   string
	micropython, ram, base     string
	stubs                      []string // files that stand in for modules
}

// A source is a file that a plan can name.
type source struct {
	plan     string // path of the plan that it belongs to
	name     string // from the workspace's root
	path     string
	compiled string // path of what its compile or transform action made; empty without
	label    string // of the file
}

// An image is one that is built already, to be nested.
type image struct {
	name                     string // of its manifest, as the outer one writes it
	path, sidecar, effective string
}

type pair struct{ name, path string }

// fields splits a value at tabs, which no label and so no path has.
func fields(value string, n int) ([]string, error) {
	parts := strings.Split(value, "\t")
	if len(parts) != n {
		return nil, fmt.Errorf("%q has %d fields, not %d", value, len(parts), n)
	}
	return parts, nil
}

func parse(args []string) (*flags, error) {
	args, err := expand(args)
	if err != nil {
		return nil, err
	}
	f := new(flags)
	s := flag.NewFlagSet("", flag.ContinueOnError)
	s.SetOutput(io.Discard)
	s.Func("label", "", func(v string) error { f.label = shortLabel(v); return nil })
	for name, p := range map[string]*string{
		"manifest": &f.manifest, "manifest-name": &f.manifestName, "board": &f.board, "board-file": &f.boardFile,
		"partition": &f.partition, "layout": &f.layout, "plan": &f.plan, "sidecar": &f.sidecar, "packed": &f.image,
		"name": &f.name, "source": &f.src, "options-file": &f.optionsFile, "mpy-cross": &f.mpyCross,
		"mpy-cross-version": &f.mpyCrossVersion, "mpy-cross-problem": &f.missing.problem, "mpy-cross-wanted": &f.missing.wanted,
		"default-optimize": &f.optimize, "default-emit": &f.emit, "format": &f.format, "pad": &f.pad, "address": &f.address, "uf2-family": &f.uf2Family,
		"out": &f.out, "digest": &f.digest, "origins": &f.origins, "out-dir": &f.outDir, "packages": &f.packages,
		"micropython": &f.micropython, "ram": &f.ram, "base": &f.base,
	} {
		s.StringVar(p, name, "", "")
	}
	s.Int64Var(&f.partitionSize, "partition-size", 0, "")
	s.Func("mpy-cross-known", "", func(v string) error { f.missing.known = append(f.missing.known, v); return nil })
	s.Func("stub", "", func(v string) error { f.stubs = append(f.stubs, v); return nil })
	s.Func("library", "", func(v string) error { f.libraries = append(f.libraries, v); return nil })
	s.Func("src", "", func(v string) error {
		if !strings.Contains(v, "\t") {
			f.sources = append(f.sources, source{name: v})
			return nil
		}
		p, err := fields(v, 5)
		if err == nil {
			f.sources = append(f.sources, source{p[0], p[1], p[2], p[3], shortLabel(p[4])})
		}
		return err
	})
	s.Func("image", "", func(v string) error {
		if !strings.Contains(v, "\t") {
			f.images = append(f.images, image{name: v})
			return nil
		}
		p, err := fields(v, 4)
		if err == nil {
			f.images = append(f.images, image{p[0], p[1], p[2], p[3]})
		}
		return err
	})
	f.tools = map[string]string{}
	s.Func("tool", "", func(v string) error {
		if !strings.Contains(v, "\t") {
			f.tools[v] = ""
			return nil
		}
		p, err := fields(v, 2)
		if err == nil {
			f.tools[p[0]] = p[1]
		}
		return err
	})
	s.Func("input", "", func(v string) error {
		if !strings.Contains(v, "\t") {
			f.inputs = append(f.inputs, v)
			return nil
		}
		p, err := fields(v, 2)
		if err == nil {
			f.given = append(f.given, pair{p[0], p[1]})
		}
		return err
	})
	s.Func("options", "", func(v string) error {
		p, err := fields(v, 2)
		if err == nil {
			f.options = append(f.options, pair{p[0], p[1]})
		}
		return err
	})
	s.Func("nested", "", func(v string) error {
		p, err := fields(v, 2)
		if err == nil {
			f.nested = append(f.nested, pair{p[0], p[1]})
		}
		return err
	})
	s.Func("package", "", func(v string) error {
		var r packageRecord
		f.packageOf = append(f.packageOf, r)
		return json.Unmarshal([]byte(v), &f.packageOf[len(f.packageOf)-1])
	})
	if err := s.Parse(args); err != nil {
		return nil, err
	}
	if s.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", s.Arg(0))
	}
	return f, nil
}

// shortLabel is a label of the main repository as people write it, without the @@.
func shortLabel(label string) string {
	if rest, ok := strings.CutPrefix(strings.TrimLeft(label, "@"), "//"); ok {
		return "//" + rest
	}
	return label
}

// expand replaces @FILE by the lines of FILE.
func expand(args []string) ([]string, error) {
	var out []string
	for _, arg := range args {
		path, ok := strings.CutPrefix(arg, "@")
		if !ok {
			out = append(out, arg)
			continue
		}
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			out = append(out, lines.Text())
		}
		file.Close()
		if err := lines.Err(); err != nil {
			return nil, err
		}
	}
	return slices.Clip(out), nil
}

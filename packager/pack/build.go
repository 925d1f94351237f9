// Package pack makes images: it is the one place where the manifest's plan,
// the compiler, the board's demands and the format's layout meet.
//
// [Build] does all of it, from the path of a manifest or directory. Whoever
// has the parts already, as Bazel's actions do, gives them to [Assemble] as a
// [Spec]. Either way the result is an [Image], which streams: large sources are
// read when it is written, once, and no more than small files and compiled code
// is held in memory.
package pack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rules_romfs/internal/filecache"
	"rules_romfs/manifest"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/mpy"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

// Options are what a build knows besides its manifest.
type Options struct {
	// Path is a manifest, or a directory to pack as mpremote does.
	Path string

	Board         string // id or path of a board file; over the manifest's
	Partition     string // name or index; over the manifest's
	PartitionSize int64  // bytes; over the board's profile; 0: as it says

	Compile *bool  // over mpy.compile of the manifest and its rules
	Arch    string // over mpy.arch of the manifest and its rules: see Target.Arch
	Jobs    int    // compilers at once; 0: one more than processors

	MPYCross  string // compiler to use
	Offline   bool   // do not fetch one
	CacheRoot string // see mpy.CacheRoot; empty: no cache, and nothing fetched
	NoCache   bool   // neither use nor fill the cache of compiled files

	// SkipMissingTransforms packs sources as they are whose transform's program
	// is not there.
	SkipMissingTransforms bool

	Outputs  []string            // paths that the build is going to write
	Allow    []manifest.LintCode // warnings to silence, besides the manifest's
	Getenv   func(string) string
	Reporter report.Reporter

	slowAfter time.Duration // when the user is told what is waited for; 0: as mpy.Batch has it
}

// Build makes the image of a manifest or directory, ready to be written.
// Errors are manifest.Errors, *mpy.NotFoundError, *mpy.CompileError (several
// joined), *transform.MissingError and *transform.RunError, *SourceError,
// *MPYError, *BoardError, *FitError, or the system's; of a manifest with several
// images and no choice of one, *ChoiceError. Those begin with [Open].
func Build(ctx context.Context, o Options) (*Image, error) {
	p, err := Open(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := p.One("one is wanted"); err != nil {
		return nil, err
	}
	images, err := p.Build(ctx)
	if err != nil {
		return nil, err
	}
	return images[0], nil
}

// directoryName returns the base name of the artifact of a plain directory.
func directoryName(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if name := filepath.Base(abs); fs.ValidPath(name) && name != "." {
		return name, nil
	}
	return "root", nil // the root of a file system has no name
}

// A builder is one build: options, and what is found out on the way.
type builder struct {
	Options
	workers   int                      // compilers that run at once
	compilers map[string]*mpy.Compiler // by release
	cache     *mpy.Cache
	warnings  []Warning

	reads func(path string) // see manifest.ResolveOptions.Reads; nil: nobody wants to know

	transforms     map[*manifest.Entry]*transformed
	transformCache *filecache.Cache
}

func (b *builder) warn(code, format string, args ...any) {
	b.warnings = append(b.warnings, Warning{code, fmt.Sprintf(format, args...)})
}

// resolve plans one image by the demands of its board.
func (b *builder) resolve(ctx context.Context, p *part) (*manifest.Plan, error) {
	if p.manifest == nil {
		return b.directory(ctx, p.target)
	}
	o := p.target.ResolveOptions()
	o.Compile, o.Outputs, o.Allow, o.Reads = b.Compile, b.Outputs, b.Allow, b.reads
	plan, warnings, err := manifest.Resolve(ctx, p.manifest, nil, o)
	b.lint(warnings)
	return plan, err
}

// directory plans a plain directory: as mpremote packs it, but for what a
// board named on the command line demands.
func (b *builder) directory(ctx context.Context, t Target) (*manifest.Plan, error) {
	target := t.ResolveOptions()
	plan, warnings, err := manifest.DirPlan(ctx, b.Path, manifest.DirOptions{
		Board: target.Board, Partition: target.Partition, BoardAlign: target.BoardAlign, OpenMV: target.OpenMV,
		Compile: b.Compile == nil || *b.Compile, Outputs: b.Outputs, Allow: b.Allow, Reads: b.reads,
	})
	b.lint(warnings)
	if err != nil {
		return nil, err
	}
	plan.Dedup = new(false) // mpremote has none
	return plan, nil
}

func (b *builder) lint(warnings []manifest.Warning) {
	for _, w := range warnings {
		b.warnings = append(b.warnings, Warning{
			Code: string(w.Code), Message: (&manifest.Error{File: w.File, Line: w.Line, Column: w.Column, Rule: w.Rule, Message: w.Message, Remedy: w.Remedy}).Error(),
		})
	}
}

// image makes the image of a plan; those nested in it first, for no partition
// of their own.
func (b *builder) image(ctx context.Context, plan *manifest.Plan, target Target) (*Image, error) {
	spec, err := target.Spec(plan)
	if err != nil {
		return nil, err
	}
	b.checkShares(plan, &spec)
	modules, err := b.gather(ctx, plan, target, &spec)
	if err != nil {
		return nil, err
	}
	err = errors.Join(b.transform(ctx, plan, &spec), b.compileInto(ctx, plan, target, modules, &spec))
	if err != nil {
		return nil, err
	}
	im, err := Assemble(ctx, spec, b.Jobs, b.Reporter)
	return im, blameEntry(plan, err)
}

// checkShares warns of limits that are shares of a partition of unknown size.
func (b *builder) checkShares(plan *manifest.Plan, spec *Spec) {
	for _, l := range []struct {
		name  string
		limit *manifest.Limit
		bytes int64
	}{{"budget.max", plan.Budget.Max, spec.Max}, {"budget.warn", plan.Budget.Warn, spec.Warn}} {
		if l.limit != nil && l.limit.Percent > 0 && l.bytes == 0 {
			b.warn(WarnPartition, "%s is %v of a partition whose size is not known, so nothing checks it; name the board, or say --partition-size", l.name, l.limit)
		}
	}
}

// A moduleJob is one source to be compiled, and the input that its code is for.
type moduleJob struct {
	mpy.Job
	input int
}

// gather makes the nested images of a plan inputs of the spec, and returns what
// is to be compiled for it.
func (b *builder) gather(ctx context.Context, plan *manifest.Plan, target Target, spec *Spec) ([]moduleJob, error) {
	var errs []error
	var modules []moduleJob
	i := -1 // index of the entry's input: directories have none
	for e := range plan.Files() {
		i++
		switch {
		case e.Kind == manifest.Image:
			nested, err := b.image(ctx, e.Nested, Target{Board: target.Board, Arch: target.Arch})
			if err != nil {
				errs = append(errs, fmt.Errorf("%s (%s): %w", e.Source, e.Rule, err))
				continue
			}
			for _, w := range nested.Warnings {
				b.warn(w.Code, "%s: %s", e.Dest, w.Message)
			}
			spec.Inputs[i].Nested = nested
		case e.MPY != nil:
			options, err := target.MPYOptions(e)
			errs = append(errs, err)
			modules = append(modules, moduleJob{mpy.Job{Path: e.Path, Root: e.Root, Options: options}, i})
		}
	}
	return modules, errors.Join(errs...)
}

// compileInto compiles modules and makes their code the contents of the spec's
// inputs.
func (b *builder) compileInto(ctx context.Context, plan *manifest.Plan, target Target, modules []moduleJob, spec *Spec) error {
	if len(modules) == 0 {
		return nil
	}
	jobs := make([]mpy.Job, len(modules))
	for i := range modules {
		jobs[i] = modules[i].Job
	}
	start := time.Now()
	compiler, results, err := b.compile(ctx, plan, jobs)
	if err != nil {
		adviseArch(err, target)
		return err
	}
	spec.Compiler = compiler.Release
	if compiler.Digest != ([32]byte{}) {
		digest := artifact.Digest(compiler.Digest)
		spec.CompilerSHA256 = &digest
	}
	spec.ABIVersion, spec.ABISubVersion = compiler.Version, compiler.SubVersion
	for i, r := range results {
		source := artifact.Digest(r.SourceSum)
		in := &spec.Inputs[modules[i].input]
		in.Code, in.SourceSHA256 = r.Code, &source
		if start.Sub(r.Modified) < freshFor {
			in.fresh = &fresh{in.Path, r.SourceSize, r.Modified, in.fail}
		}
	}
	return nil
}

// blameEntry says which rule put an entry into the image that cannot be there.
func blameEntry(plan *manifest.Plan, err error) error {
	var tree *romfs.TreeError
	if !errors.As(err, &tree) {
		return err
	}
	for i := range plan.Entries {
		e := &plan.Entries[i]
		if e.File != "" && (e.Dest == tree.Path || strings.HasPrefix(e.Dest, tree.Path+"/")) {
			return manifest.Errors{{File: e.File, Line: e.Line, Column: e.Column, Code: manifest.CodeLimit, Rule: e.Rule, Message: tree.Error(), Remedy: "put it elsewhere, or leave it out"}}
		}
	}
	return err
}

// adviseArch says in each error about machine code without an architecture how to
// name that of the target.
func adviseArch(err error, target Target) {
	switch e := err.(type) {
	case *mpy.CompileError:
		if e.NeedsArch {
			e.Remedy = target.ArchRemedy()
		}
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			adviseArch(err, target)
		}
	}
}

// compile compiles the jobs of one plan with the release that it asks for.
func (b *builder) compile(ctx context.Context, plan *manifest.Plan, jobs []mpy.Job) (*mpy.Compiler, []mpy.Result, error) {
	compiler, err := b.compiler(ctx, plan.MPYVersion)
	if err != nil {
		return nil, nil, err
	}
	task := b.Reporter.Task("compile", int64(len(jobs)), report.Files)
	batch := &mpy.Batch{Compiler: compiler, Cache: b.cache, Workers: b.workers, Done: func(i int, r *mpy.Result) { task.Add(1) },
		SlowAfter: b.slowAfter, Slow: func(path string) {
			b.Reporter.Log(report.Info, fmt.Sprintf("still compiling %s; Ctrl-C ends it", path))
		}}
	results, err := batch.Run(ctx, jobs)
	if err != nil {
		task.Fail(err)
		return nil, nil, err
	}
	task.Done()
	cached := 0
	for _, r := range results {
		if r.Cached {
			cached++
		}
	}
	b.Reporter.Event("compiled", map[string]any{"files": len(jobs), "cached": cached, "compiler": compiler.Release, "origin": compiler.Origin})
	if b.cache != nil {
		if err := b.cache.Err(); err != nil {
			b.warn(WarnCache, "the compile cache does not work, so the next build compiles everything again: %v", err)
		}
	}
	return compiler, results, nil
}

func (b *builder) compiler(ctx context.Context, release string) (*mpy.Compiler, error) {
	if c := b.compilers[release]; c != nil {
		return c, nil
	}
	c, warnings, err := mpy.Find(ctx, mpy.FindOptions{
		Explicit: b.MPYCross, Want: release, Pinned: release != "",
		Offline: b.Offline, CacheRoot: b.CacheRoot, Getenv: b.Getenv,
	})
	for _, w := range warnings {
		b.warnings = append(b.warnings, Warning{w.Code, w.Message})
	}
	if err != nil {
		return nil, err
	}
	b.compilers[release] = c
	if b.cache == nil && b.CacheRoot != "" && !b.NoCache {
		if b.cache, err = mpy.OpenCache(b.CacheRoot); err != nil {
			b.warn(WarnCache, "no compile cache: %v", err)
		}
	}
	return c, nil
}

// checkOutputs refuses to overwrite what the image is made from, also through
// a link or another name. Path is the manifest's or directory's.
func checkOutputs(outputs []string, path string, plan *manifest.Plan) error {
	var there []string
	var infos []os.FileInfo
	for _, out := range outputs {
		// What does not exist overwrites nothing, and writing it will say what else is wrong.
		if info, err := os.Stat(out); err == nil {
			there, infos = append(there, out), append(infos, info)
		}
	}
	if len(there) == 0 {
		return nil
	}
	var errs []error
	check := func(source string) {
		have, err := os.Stat(source)
		for i := 0; i < len(there) && err == nil; i++ {
			if os.SameFile(infos[i], have) {
				errs = append(errs, &SourceError{Source: there[i], Err: fmt.Errorf("the build would overwrite its own source %s; choose another output with -o or --out-dir", source)})
			}
		}
	}
	check(path)
	eachSource(plan, check)
	return errors.Join(errs...)
}

func eachSource(plan *manifest.Plan, visit func(path string)) {
	if plan.Manifest != "" {
		visit(plan.Manifest)
	}
	for i := range plan.Entries {
		switch e := &plan.Entries[i]; {
		case e.Nested != nil:
			eachSource(e.Nested, visit)
		case e.Path != "":
			visit(e.Path)
			if e.Transform != nil {
				for _, in := range e.Transform.Inputs {
					visit(in.Path)
				}
			}
		}
	}
}

package pack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"rules_romfs/manifest"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
	"rules_romfs/packager/report"
	"rules_romfs/packager/transform"
)

// A transformed entry is how one file of the plan is to be converted.
type transformed struct {
	job  transform.Job
	kept transform.Kept // if not empty, nothing is run

	board string // id
	made  artifact.Transform
}

// findTools finds the programs of all transforms, those in nested images too,
// before anything is built: who lacks three of them wants to know at once.
// Warnings are added to those of their image.
func (b *builder) findTools(ctx context.Context, plans []*manifest.Plan, parts []part, warnings [][]Warning) error {
	b.transforms = map[*manifest.Entry]*transformed{}
	f := &finding{builder: b, missing: map[string]*transform.MissingError{}}
	f.tools.Getenv = b.Getenv
	for i, plan := range plans {
		f.target = parts[i].target
		f.plan(ctx, plan)
		warnings[i], b.warnings = append(warnings[i], b.warnings...), nil
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case len(f.defects) > 0:
		f.errs = append(f.errs, f.defects)
	}
	return errors.Join(f.errs...)
}

// A finding is the search for the programs of all transforms.
type finding struct {
	*builder
	target  Target // of the image at hand, also for those nested in it
	tools   transform.Finder
	missing map[string]*transform.MissingError
	defects manifest.Errors
	errs    []error
}

func (f *finding) plan(ctx context.Context, plan *manifest.Plan) {
	for e := range plan.Files() {
		switch {
		case ctx.Err() != nil:
			return
		case e.Nested != nil:
			f.plan(ctx, e.Nested)
		case e.Transform != nil && f.transforms[e] == nil: // a nested image may be packed twice
			f.entry(ctx, e)
		}
	}
}

func (f *finding) entry(ctx context.Context, e *manifest.Entry) {
	t := e.Transform
	request := transform.Request{TransformPlan: t, Dir: filepath.Dir(e.File), NPU: f.npu()}
	if f.target.Board != nil {
		request.Board = f.target.Board.ID
	}
	where := transform.Where{Source: e.Source, Manifest: e.File, Line: t.Line, Column: t.Column, Rule: e.Rule}
	plan, files, err := f.tools.Plan(ctx, request)
	one := &transformed{kept: plan.Kept, board: request.Board, made: artifact.Transform{Preset: t.Preset, Run: t.Run}}
	f.transforms[e] = one
	var unknown *transform.UnknownNPUError
	switch {
	case errors.As(err, &unknown):
		f.defects = append(f.defects, &manifest.Error{File: e.File, Line: t.Line, Column: t.Column, Rule: e.Rule + ".transform", Code: manifest.CodeTransform, Message: err.Error()})
	case err != nil:
		one.kept = f.lacking(e, where, plan.Get, err)
	case plan.Kept == "":
		one.made.Version = plan.Tool.Version
		if t.Preset != "" {
			one.made.Args = plan.Args
		}
		one.job = transform.Job{Where: where, Path: e.Path, Name: path.Base(e.Source), Tool: plan.Tool, Args: plan.Args, Output: t.Output}
		for _, in := range t.Inputs {
			one.job.Inputs = append(one.job.Inputs, transform.File{Name: path.Base(in.Name), Path: in.Path})
		}
		one.job.Inputs = append(one.job.Inputs, files...)
	}
}

// npu returns the one that runs models from the partition, if there is one.
func (f *finding) npu() *board.NPU {
	if f.target.Partition == nil {
		return nil
	}
	return f.target.Partition.NPU
}

// lacking decides about a file whose tool cannot be used. One that needs no
// conversion does not need the tool either.
func (f *finding) lacking(e *manifest.Entry, where transform.Where, get string, why error) transform.Kept {
	t := e.Transform
	if t.Preset != "" {
		if source, err := os.ReadFile(e.Path); err == nil && transform.Converted(t.Preset, source) {
			return transform.AlreadyDone
		}
	}
	tool := t.Preset
	if tool == "" {
		tool = t.Run[0]
	}
	if f.SkipMissingTransforms {
		f.warn(WarnTransform, "%s (%s) is packed as it is: there is no usable %s (%v)", e.Source, e.Rule, tool, why)
		return transform.NoTool
	}
	key := where.Manifest + "\x00" + tool
	if f.missing[key] == nil {
		f.missing[key] = &transform.MissingError{Where: where, Tool: tool, Why: why.Error(), Get: get}
		f.errs = append(f.errs, f.missing[key])
	}
	f.missing[key].Sources = append(f.missing[key].Sources, e.Source)
	return transform.NoTool
}

// transform converts the files of one plan and makes the results the contents
// of the spec's inputs.
func (b *builder) transform(ctx context.Context, plan *manifest.Plan, spec *Spec) error {
	var jobs []transform.Job
	var inputs []*Input // one a job
	i := -1
	for e := range plan.Files() {
		i++
		one := b.transforms[e]
		if one == nil {
			continue
		}
		in := &spec.Inputs[i]
		made := one.made
		in.Transform = &made
		if one.kept != "" {
			in.keep(one.kept, one.board)
			continue
		}
		in.Why = describe(&made)
		jobs, inputs = append(jobs, one.job), append(inputs, in)
	}
	if len(jobs) == 0 {
		return nil
	}
	if b.transformCache == nil && b.CacheRoot != "" && !b.NoCache {
		var err error
		if b.transformCache, err = transform.OpenCache(b.CacheRoot); err != nil {
			b.warn(WarnCache, "no cache of transforms: %v", err)
		}
	}
	task := b.Reporter.Task("transform", int64(len(jobs)), report.Files)
	batch := &transform.Batch{Cache: b.transformCache, Workers: b.Jobs, Done: func(int, *transform.Result) { task.Add(1) }}
	results, err := batch.Run(ctx, jobs)
	if err != nil {
		task.Fail(err)
		return err
	}
	task.Done()
	cached, kept := 0, 0
	for i, r := range results {
		if r.Kept != "" {
			kept++
			inputs[i].keep(r.Kept, "")
			continue
		}
		if r.Cached {
			cached++
		}
		source := artifact.Digest(r.SourceSum)
		inputs[i].Code, inputs[i].SourceSHA256 = r.Content, &source
	}
	b.Reporter.Event("transformed", map[string]any{"files": len(jobs), "cached": cached, "kept": kept})
	if b.transformCache != nil {
		if err := b.transformCache.Err(); err != nil {
			b.warn(WarnCache, "the cache of transforms does not work, so the next build runs all of them again: %v", err)
		}
	}
	return nil
}

// keep packs the source itself, and says why.
func (in *Input) keep(why transform.Kept, board string) {
	in.Transform = &artifact.Transform{Preset: in.Transform.Preset, Run: in.Transform.Run, Kept: string(why)}
	tool := in.Transform.Preset
	if tool == "" {
		tool = in.Transform.Run[0]
	}
	switch why {
	case transform.AlreadyDone:
		in.Why = tool + " has converted it before"
	case transform.NoNPU:
		in.Why = fmt.Sprintf("%s has no NPU that %s converts for", board, tool)
	case transform.NoTool:
		in.Why = "there is no usable " + tool
	}
}

// describe names a tool and its arguments for people.
func describe(t *artifact.Transform) string {
	words := t.Run
	if t.Preset != "" {
		name := t.Preset
		if t.Version != "" {
			name += " " + t.Version
		}
		words = append([]string{name}, t.Args...)
	}
	return strings.Join(words, " ")
}

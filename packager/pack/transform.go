package pack

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"rules_romfs/manifest"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
	"rules_romfs/packager/report"
	"rules_romfs/packager/transform"
)

// A transformed entry is how one file of the plan is to be converted.
type transformed struct {
	target Target
	job    transform.Job
	kept   transform.Kept // if not empty, nothing is run
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
	where := transform.Where{Source: e.Source, Manifest: e.File, Line: t.Line, Column: t.Column, Rule: e.Rule}
	command, err := f.target.Command(t)
	if err != nil {
		f.defects = append(f.defects, &manifest.Error{File: e.File, Line: t.Line, Column: t.Column, Rule: e.Rule + ".transform", Code: manifest.CodeTransform, Message: err.Error()})
		return
	}
	one := &transformed{target: f.target, kept: command.Kept}
	f.transforms[e] = one
	if one.kept != "" {
		return
	}
	tool, err := f.tools.Tool(ctx, t, filepath.Dir(e.File), "")
	if err != nil {
		one.kept = f.lacking(e, where, err)
		return
	}
	one.job = transform.NewJob(where, e.Path, t, tool, command)
	one.job.Root = e.Root
}

// Command returns the command line of a transform for the target.
func (t Target) Command(plan *manifest.TransformPlan) (transform.Command, error) {
	var id string
	var npu *board.NPU
	if t.Board != nil {
		id = t.Board.ID
	}
	if t.Partition != nil {
		npu = t.Partition.NPU
	}
	return transform.CommandOf(plan, id, npu)
}

// lacking decides about a file whose tool cannot be used. One that needs no
// conversion does not need the tool either.
func (f *finding) lacking(e *manifest.Entry, where transform.Where, why error) transform.Kept {
	t := e.Transform
	if t.Preset != "" {
		if transform.Converted(t.Preset, e.Path) {
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
	key := tool
	if strings.Contains(tool, "/") {
		key = filepath.Join(filepath.Dir(e.File), tool) // what it is relative to
	}
	if f.missing[key] == nil {
		f.missing[key] = &transform.MissingError{Where: where, Tool: tool, Why: why.Error(), Get: transform.HowToGet(t)}
		f.errs = append(f.errs, f.missing[key])
	}
	if m := f.missing[key]; !slices.Contains(m.Sources, e.Source) { // for another core, too
		m.Sources = append(m.Sources, e.Source)
	}
	return transform.NoTool
}

// transform converts the files of one plan and makes the results the contents
// of the spec's inputs.
func (b *builder) transform(ctx context.Context, plan *manifest.Plan, spec *Spec) error {
	var jobs []transform.Job
	var entries []*manifest.Entry // one a job
	var inputs []*Input           // and what it is to fill
	i := -1
	for e := range plan.Files() {
		i++
		switch one := b.transforms[e]; {
		case one == nil:
		case one.kept != "":
			spec.Inputs[i].SetTransform(e.Transform, one.target, nil, transform.Result{Kept: one.kept})
		default:
			jobs, entries, inputs = append(jobs, one.job), append(entries, e), append(inputs, &spec.Inputs[i])
		}
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
		if r.Cached {
			cached++
		}
		if r.Kept != "" {
			kept++
		}
		inputs[i].SetTransform(entries[i].Transform, b.transforms[entries[i]].target, &jobs[i], r)
	}
	b.Reporter.Event("transformed", map[string]any{"files": len(jobs), "cached": cached, "kept": kept})
	if b.transformCache != nil {
		if err := b.transformCache.Err(); err != nil {
			b.warn(WarnCache, "the cache of transforms does not work, so the next build runs all of them again: %v", err)
		}
	}
	return nil
}

// SetTransform makes the input what a transform made of its source, or the
// source, and says which and why. The job is nil where nothing was run.
func (in *Input) SetTransform(t *manifest.TransformPlan, target Target, j *transform.Job, r transform.Result) {
	made := &artifact.Transform{Preset: t.Preset, Run: t.Run, Kept: string(r.Kept)}
	in.Transform = made
	tool := t.Preset
	if tool == "" {
		tool = t.Run[0]
	}
	switch r.Kept {
	case transform.AlreadyDone:
		in.Why = tool + " has converted it before"
	case transform.NoNPU:
		in.Why = fmt.Sprintf("%s has no NPU that %s converts for", target.Board.ID, tool)
	case transform.NoTool:
		in.Why = "there is no usable " + tool
	default:
		if t.Preset != "" {
			made.Version, made.Args = j.Tool.Version, j.Args
		}
		source := artifact.Digest(r.SourceSum)
		in.Code, in.SourceSHA256, in.Why = r.Content, &source, describe(made)
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

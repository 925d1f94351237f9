package bazel

import (
	"context"
	"fmt"
	"iter"

	"rules_romfs/manifest"
	"rules_romfs/packager/pack"
)

// inputs are what an image is made of: its own plan and those of libraries.
type inputs struct {
	own     *planFile
	entries []plannedEntry // the image's, then the libraries'
	sources map[sourceKey]source
	images  map[string]image
	board   string // as the effective manifest names it
	libs    bool   // whether there are libraries
}

type sourceKey struct{ plan, name string }

// A plannedEntry is one entry of one of the plans.
type plannedEntry struct {
	plan  *planFile
	path  string // of the plan
	index int    // in the plan
	part  int    // of what the action on its source makes
	parts int    // how many that has
}

func (p plannedEntry) entry() *manifest.Entry { return &p.plan.Plan.Entries[p.index] }

// describe names the entry and the target that brought it.
func (p plannedEntry) describe() string {
	return fmt.Sprintf("%q of %s", p.plan.name(p.entry().Source), p.plan.Label)
}

func (f *flags) readInputs() (*inputs, error) {
	in := &inputs{sources: map[sourceKey]source{}, images: map[string]image{}, libs: len(f.libraries) > 0}
	for _, s := range f.sources {
		in.sources[sourceKey{s.plan, s.name}] = s
	}
	for _, im := range f.images {
		in.images[im.name] = im
	}
	var err error
	if in.own, err = readPlan(f.plan); err != nil {
		return nil, err
	}
	if in.board = in.own.Plan.Board; f.boardFile != "" {
		in.board = f.boardFile
	}
	in.add(in.own, f.plan)
	for _, path := range f.libraries {
		p, err := readPlan(path)
		if err != nil {
			return nil, err
		}
		in.add(p, path)
	}
	return in, in.checkConflicts()
}

func (in *inputs) add(p *planFile, path string) {
	parts := map[string]int{}
	kept := map[string]bool{}
	first := len(in.entries)
	for i := range p.Plan.Entries {
		e := plannedEntry{plan: p, path: path, index: i}
		if source := e.entry().Source; e.entry().MPY != nil || e.entry().Transform != nil {
			e.part = parts[source]
			parts[source]++
		} else if isKept(e.entry()) {
			kept[source] = true
		}
		in.entries = append(in.entries, e)
	}
	for i := first; i < len(in.entries); i++ {
		e := &in.entries[i]
		e.parts = parts[e.entry().Source]
		if isKept(e.entry()) {
			e.part = e.parts
		}
		if kept[e.entry().Source] {
			e.parts++
		}
	}
}

// checkConflicts drops what two plans place alike, and refuses what they place
// differently: only here are the labels known.
func (in *inputs) checkConflicts() error {
	var errs manifest.Errors
	byDest := map[string]plannedEntry{}
	kept := in.entries[:0]
	for _, p := range in.entries {
		e := p.entry()
		first, ok := byDest[e.Dest]
		switch {
		case !ok:
			byDest[e.Dest] = p
			kept = append(kept, p)
		case e.Kind == manifest.Dir && first.entry().Kind == manifest.Dir:
		case p.path != first.path && e.Kind == manifest.File && first.entry().Kind == manifest.File &&
			p.plan.name(e.Source) == first.plan.name(first.entry().Source):
			// The manifest names a file that a library brings too.
		default:
			at := first.entry() // which is the image's own, or both are libraries'
			errs = append(errs, &manifest.Error{
				File: at.File, Line: at.Line, Column: at.Column, Rule: at.Rule, Code: manifest.CodeConflict,
				Message: fmt.Sprintf("%s and %s both go to %q", first.describe(), p.describe(), e.Dest),
				Remedy:  "exclude one of them, or give it another dest",
			})
		}
	}
	in.entries = kept
	return errs.Err()
}

// all are the names of all sources.
func (in *inputs) all() iter.Seq[string] {
	return func(yield func(string) bool) {
		for key := range in.sources {
			if !yield(key.name) {
				return
			}
		}
	}
}

// plan returns the plan of the whole image. With libraries it is that of the
// effective manifest, so that the CLI makes the same sidecar from that; its
// entries are then in the order of in.entries.
func (in *inputs) plan(ctx context.Context, target pack.Target) (*manifest.Plan, error) {
	if !in.libs {
		return &in.own.Plan, nil
	}
	images := map[string]string{}
	for name := range in.images {
		images[name] = name
	}
	data, err := in.manifest(".", images)
	if err != nil {
		return nil, err
	}
	m, err := manifest.Parse(data, "effective manifest")
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for name := range in.all() {
		files[name] = name
	}
	src, err := manifest.ListSource(files, nil)
	if err != nil {
		return nil, err
	}
	o := target.ResolveOptions()
	o.Images = images
	plan, _, err := manifest.Resolve(ctx, m, src, o) // each plan has warned already
	if err != nil {
		return nil, err
	}
	if len(plan.Entries) != len(in.entries) {
		return nil, fmt.Errorf("the effective manifest has %d entries, and the plans have %d: a defect of rules_romfs", len(plan.Entries), len(in.entries))
	}
	return plan, nil
}

// Package resolve finds the files of a manifest, and says of each where it goes
// and how: it makes a [plan.Plan] of a checked [spec.Manifest].
package resolve

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"rules_romfs/internal/pattern"
	"rules_romfs/internal/slashpath"
	"rules_romfs/internal/strictyaml"
	"rules_romfs/internal/syserr"
	"rules_romfs/manifest/internal/code"
	"rules_romfs/manifest/internal/lint"
	"rules_romfs/manifest/internal/plan"
	"rules_romfs/manifest/internal/source"
	"rules_romfs/manifest/internal/spec"
)

// A Loader reads and checks another manifest.
type Loader func(path string) (*spec.Manifest, error)

// Resolve finds the files of the manifest in src; nil is the directory that the
// manifest's root names. load reads the manifests of nested images.
func Resolve(ctx context.Context, m *spec.Manifest, src source.Source, o plan.ResolveOptions, load Loader) (*plan.Plan, []plan.Warning, error) {
	m, err := m.Single()
	if err != nil {
		return nil, nil, err
	}
	return resolve(ctx, m, src, o, &nesting{load: load, memo: map[string]*plan.Plan{}})
}

func resolve(ctx context.Context, m *spec.Manifest, src source.Source, o plan.ResolveOptions, n *nesting) (*plan.Plan, []plan.Warning, error) {
	if src == nil {
		src = source.FromDir(m.RootDir())
	}
	if o.Reads != nil {
		src = source.Telling(src, o.Reads)
	}
	r := &resolver{
		ctx: ctx, m: m, o: o, nesting: n, tree: source.NewTree(src),
		byDest: map[string]int{}, byFinal: map[string]int{}, usedAlign: make([]bool, len(m.Align)),
	}
	if r.declared = m.BoardRef(); r.declared == "" {
		r.declared = n.declared
	}
	r.plan = r.newPlan()
	r.run()
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	r.finish()
	if len(r.errs) > 0 {
		return nil, r.warns, r.errs
	}
	return r.plan, r.warns, nil
}

type resolver struct {
	ctx     context.Context
	m       *spec.Manifest
	o       plan.ResolveOptions
	nesting *nesting
	tree    *source.Tree
	plan    *plan.Plan
	// declared is the board that the manifest names, or the one around it.
	declared string

	errs, nestedErrs strictyaml.Errors
	warns            []plan.Warning
	nestedWarns      []plan.Warning
	errCount         map[alike]int
	warnCount        map[alike]int

	scans []*scan  // in manifest order
	at    []string // for each entry, the path of the value that placed it
	// byDest maps a destination before compiling, byFinal one after, to the
	// index of its entry.
	byDest, byFinal map[string]int
	// transformed holds the destination before its transform, and the source,
	// of what a rule with a transform placed.
	transformed map[[2]string]bool
	inputs      map[string]bool // whether an input of a transform is there, by its path in the manifest

	boardAlign []*pattern.Pattern
	usedAlign  []bool // by index of the manifest's align
	keep       map[string]*pattern.Pattern
}

func (r *resolver) newPlan() *plan.Plan {
	m, o := r.m, r.o
	p := &plan.Plan{
		Manifest: m.Path(), Name: m.Name, Release: m.Release, Stamp: m.Stamp, Board: m.BoardRef(), Partition: string(m.Partition), Layout: m.Layout, Dedup: m.Dedup,
		Allow: slices.Clone(o.Allow),
	}
	if m.Lint != nil {
		p.Allow = append(p.Allow, m.Lint.Allow...)
	}
	slices.Sort(p.Allow)
	p.Allow = slices.Compact(p.Allow)
	if m.MPY != nil {
		p.MPYVersion = m.MPY.Version
	}
	if m.Budget != nil {
		p.Budget = *m.Budget
	}
	if o.Board != "" {
		p.Board = o.Board
	}
	if o.Partition != "" {
		p.Partition = o.Partition
	}
	return p
}

func (r *resolver) run() {
	var err *pattern.Error
	if r.boardAlign, err = compileBoardAlign(r.o.BoardAlign); err != nil {
		r.add("board", code.Board, err.Remedy, "an alignment rule of the board: %s", err.Message)
		return
	}
	if top := r.tree.Dir(""); top.Err != nil {
		r.add("root", code.IO, "correct root", "the directory of the sources, %s, cannot be read: %s", strictyaml.Quote(r.tree.Source.Path("")), syserr.Reason(top.Err))
		return
	}
	r.scan()
	r.checkOutputs()
	r.checkImages()
	next := 0
	for i := range r.m.Compiled().Rules {
		if r.full() || r.ctx.Err() != nil {
			return
		}
		rule := &r.m.Compiled().Rules[i]
		switch {
		case rule.Mkdir != "":
			r.place(rule, plan.Entry{Kind: plan.Dir, Dest: rule.Into}, rule.At+".mkdir")
		case rule.Image != "":
			r.image(rule)
		}
		found, placed := 0, len(r.plan.Entries)
		for ; next < len(r.scans) && r.scans[next].rule == rule; next++ {
			found += len(r.scans[next].found)
			r.placeFound(r.scans[next])
		}
		if found > 0 && placed == len(r.plan.Entries) && len(r.errs) == 0 {
			r.warn(rule.At, code.LintNoEffect, "remove the rule, or move it up", "earlier rules have placed every file that it matches")
		}
	}
	r.checkParents()
	r.lint()
}

// A scan is one pattern of a rule and what it found.
type scan struct {
	rule  *spec.CompiledRule
	glob  *pattern.Pattern
	strip string
	at    string   // path of the pattern in the manifest
	found []string // sources, sorted bytewise
	// left is the first file that matched and was left out, and by what.
	left, leftBy string
	secrets      []string // matched, and left out for their names
	failed       bool     // what it matches cannot be read; that has been reported
}

// scan fills the found lists of all patterns: literals by lookup, the others
// in one walk.
func (r *resolver) scan() {
	var walk []walking
	for i := range r.m.Compiled().Rules {
		rule := &r.m.Compiled().Rules[i]
		for j, g := range rule.Patterns {
			if r.full() || r.ctx.Err() != nil {
				return
			}
			s := &scan{rule: rule, glob: g, strip: rule.Strips[j], at: r.m.SrcAt(rule, j)}
			r.scans = append(r.scans, s)
			if g.Literal() {
				r.literal(s)
			} else {
				walk = append(walk, walking{s, g.Start()})
			}
		}
	}
	r.walk("", walk)
	for _, s := range r.scans {
		if len(s.found) == 0 && !s.failed && !s.glob.Literal() && !s.rule.Optional && !r.full() {
			r.noMatch(s)
		}
		slices.Sort(s.found)
	}
	r.checkExcludes()
	r.checkSecrets()
}

// A walking is a pattern that can still match in the directory at hand.
type walking struct {
	s  *scan
	st pattern.State
}

func (r *resolver) walk(dir string, ws []walking) {
	if len(ws) == 0 || r.ctx.Err() != nil {
		return
	}
	d := r.tree.Dir(dir)
	if d.Err != nil {
		r.add(ws[0].s.at, code.IO, "make it readable, or name the directories beside it", "the directory %s cannot be read: %s", strictyaml.Quote(dir), syserr.Reason(d.Err))
		for _, w := range ws {
			w.s.failed = true
		}
		return
	}
	var below []walking
	for _, in := range d.Infos {
		if in.Kind != source.Dir {
			for _, w := range ws {
				if w.s.glob.File(w.st, in.Name) {
					r.matched(w.s, slashpath.Join(dir, in.Name), in)
				}
			}
			continue
		}
		if lint.IsJunk(in.Name) {
			continue
		}
		below = below[:0]
		for _, w := range ws {
			if st := w.s.glob.Enter(w.st, in.Name); st != nil {
				below = append(below, walking{w.s, st})
			}
		}
		r.walk(slashpath.Join(dir, in.Name), slices.Clone(below))
	}
}

// matched handles one name that a pattern with wildcards matches.
func (r *resolver) matched(s *scan, name string, in source.Info) {
	by := r.leftOut(s.rule, name)
	if by == "" {
		if by = lint.LeftOut(in.Name); lint.IsSecret(in.Name) && !lint.IsJunk(in.Name) {
			s.secrets = append(s.secrets, name)
		}
	}
	if by != "" {
		if s.left == "" {
			s.left, s.leftBy = name, by
		}
		return
	}
	kind := in.Kind
	if kind == source.Link {
		var err error
		if kind, err = r.tree.Source.Follow(name); err != nil {
			r.badLink(s, name, err)
			return
		}
	}
	switch kind {
	case source.Dir: // patterns do not follow links to directories
		if s.left == "" {
			s.left, s.leftBy = name, "being a symbolic link to a directory"
		}
	case source.Irregular:
		r.irregular(s, name)
	default:
		s.found = append(s.found, name)
	}
}

// leftOut says which of the manifest's own excludes hits a source, or "".
func (r *resolver) leftOut(rule *spec.CompiledRule, name string) string {
	for i, g := range r.m.Compiled().Exclude {
		if g.Match(name) {
			return fmt.Sprintf("%s (%s)", r.m.ExcludeAt(i), g.Text())
		}
	}
	for i, g := range rule.Excludes {
		if g.Match(name) {
			return fmt.Sprintf("%s.exclude[%d] (%s)", rule.At, i, g.Text())
		}
	}
	return ""
}

// placeFound turns what a pattern found into entries.
func (r *resolver) placeFound(s *scan) {
	for _, name := range s.found {
		dest := s.rule.Into
		if s.rule.IsDir {
			rest := name
			if s.strip != "" {
				rest = strings.TrimPrefix(name, s.strip+"/")
			}
			dest = slashpath.Join(dest, rest)
		}
		r.place(s.rule, plan.Entry{Kind: plan.File, Dest: dest, Source: name, Path: r.tree.Source.Path(name), Root: r.tree.Source.Root(), Pattern: s.glob.Text(), Strip: s.strip}, s.at)
	}
}

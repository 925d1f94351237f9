package manifest

import (
	"fmt"
	"slices"
	"strings"

	"rules_romfs/internal/pattern"
	"rules_romfs/internal/slashpath"
	"rules_romfs/internal/strictyaml"
	"rules_romfs/internal/syserr"
)

// Resolve finds the files of the manifest in src and returns the plan of its
// image. If src is nil, it is the directory that the manifest's root names.
//
// The cost is one walk of the directories that some pattern can match in,
// with each file tested against each pattern once. No file is opened.
//
// Defects are an [Errors] and list all of one run. Warnings come in the order
// of their position, also beside an error.
//
// Of a manifest with several images one of [Manifest.Images] is resolved.
func (m *Manifest) Resolve(src Source, o ResolveOptions) (*Plan, []Warning, error) {
	m, err := m.single()
	if err != nil {
		return nil, nil, err
	}
	return m.resolve(src, o, &nesting{memo: map[string]*Plan{}})
}

func (m *Manifest) resolve(src Source, o ResolveOptions, n *nesting) (*Plan, []Warning, error) {
	if src == nil {
		src = DirSource(m.RootDir())
	}
	r := &resolver{
		m: m, o: o, nesting: n, tree: newTree(src),
		byDest: map[string]int{}, byFinal: map[string]int{}, usedAlign: make([]bool, len(m.Align)),
	}
	if r.declared = m.boardRef(); r.declared == "" {
		r.declared = n.declared
	}
	r.plan = r.newPlan()
	r.run()
	r.finish()
	if len(r.errs) > 0 {
		return nil, r.warns, r.errs
	}
	return r.plan, r.warns, nil
}

type resolver struct {
	m       *Manifest
	o       ResolveOptions
	nesting *nesting
	tree    *tree
	plan    *Plan
	// declared is the board that the manifest names, or the one around it.
	declared string

	errs, nestedErrs Errors
	warns            []Warning
	nestedWarns      []Warning
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

func (r *resolver) newPlan() *Plan {
	m, o := r.m, r.o
	p := &Plan{
		Manifest: m.path, Name: m.Name, Board: m.boardRef(), Partition: string(m.Partition), Layout: m.Layout, Dedup: m.Dedup,
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
		r.add("board", CodeBoard, err.Remedy, "an alignment rule of the board: %s", err.Message)
		return
	}
	if top := r.tree.dir(""); top.err != nil {
		r.add("root", CodeIO, "correct root", "the directory of the sources, %s, cannot be read: %s", strictyaml.Quote(r.tree.src.Path("")), syserr.Reason(top.err))
		return
	}
	r.scan()
	r.checkOutputs()
	r.checkImages()
	next := 0
	for i := range r.m.compiled.rules {
		rule := &r.m.compiled.rules[i]
		switch {
		case rule.file.Mkdir != "":
			r.place(rule, Entry{Kind: Dir, Dest: rule.dest}, rule.path+".mkdir")
		case rule.file.Image != "":
			r.image(rule)
		}
		found, placed := 0, len(r.plan.Entries)
		for ; next < len(r.scans) && r.scans[next].rule == rule; next++ {
			found += len(r.scans[next].found)
			r.placeFound(r.scans[next])
		}
		if found > 0 && placed == len(r.plan.Entries) && len(r.errs) == 0 {
			r.warn(rule.path, LintNoEffect, "remove the rule, or move it up", "earlier rules have placed every file that it matches")
		}
	}
	r.checkParents()
	r.lint()
}

// A scan is one pattern of a rule and what it found.
type scan struct {
	rule  *rule
	glob  *pattern.Pattern
	strip string
	at    string   // path of the pattern in the manifest
	found []string // sources, sorted bytewise
	// left is the first file that matched and was left out, and by what.
	left, leftBy string
	secrets      []string // matched, and left out for their names
}

// scan fills the found lists of all patterns: literals by lookup, the others
// in one walk.
func (r *resolver) scan() {
	var walk []walking
	for i := range r.m.compiled.rules {
		rule := &r.m.compiled.rules[i]
		for j, g := range rule.src {
			s := &scan{rule: rule, glob: g, strip: rule.strip[j], at: r.m.srcPath(rule, j)}
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
		if len(s.found) == 0 && !s.glob.Literal() && !s.rule.file.Optional {
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
	if len(ws) == 0 {
		return
	}
	d := r.tree.dir(dir)
	if d.err != nil {
		r.add(ws[0].s.at, CodeIO, "make it readable, or name the directories beside it", "the directory %s cannot be read: %s", strictyaml.Quote(dir), syserr.Reason(d.err))
		return
	}
	var below []walking
	for _, in := range d.infos {
		if in.Kind != SourceDir {
			for _, w := range ws {
				if w.s.glob.File(w.st, in.Name) {
					r.matched(w.s, slashpath.Join(dir, in.Name), in)
				}
			}
			continue
		}
		if isJunk(in.Name) {
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
func (r *resolver) matched(s *scan, name string, in SourceInfo) {
	by := r.leftOut(s.rule, name)
	switch {
	case by != "":
	case isJunk(in.Name):
		by = "the junk list"
	case isSecret(in.Name):
		by = "the list of secrets"
		s.secrets = append(s.secrets, name)
	}
	if by != "" {
		if s.left == "" {
			s.left, s.leftBy = name, by
		}
		return
	}
	kind := in.Kind
	if kind == SourceLink {
		var err error
		if kind, err = r.tree.src.Follow(name); err != nil {
			r.badLink(s, name, err)
			return
		}
	}
	switch kind {
	case SourceDir: // patterns do not follow links to directories
		if s.left == "" {
			s.left, s.leftBy = name, "being a symbolic link to a directory"
		}
	case SourceIrregular:
		r.irregular(s, name)
	default:
		s.found = append(s.found, name)
	}
}

// leftOut says which of the manifest's own excludes hits a source, or "".
func (r *resolver) leftOut(rule *rule, name string) string {
	for i, g := range r.m.compiled.exclude {
		if g.Match(name) {
			return fmt.Sprintf("%s (%s)", r.m.excludeAt(i), g.Text())
		}
	}
	for i, g := range rule.exclude {
		if g.Match(name) {
			return fmt.Sprintf("%s.exclude[%d] (%s)", rule.path, i, g.Text())
		}
	}
	return ""
}

// placeFound turns what a pattern found into entries.
func (r *resolver) placeFound(s *scan) {
	for _, name := range s.found {
		dest := s.rule.dest
		if s.rule.destDir {
			rest := name
			if s.strip != "" {
				rest = strings.TrimPrefix(name, s.strip+"/")
			}
			dest = slashpath.Join(dest, rest)
		}
		r.place(s.rule, Entry{Kind: File, Dest: dest, Source: name, Path: r.tree.src.Path(name), Pattern: s.glob.Text(), Strip: s.strip}, s.at)
	}
}

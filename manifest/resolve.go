package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"rules_romfs/manifest/strictyaml"
)

// Resolve finds the files of the manifest in src and returns the plan of its
// image. If src is nil, it is the directory that the manifest's root names.
//
// The cost is one walk of the directories that some pattern can match in,
// with each file tested against each pattern once. No file is opened.
//
// Defects are an [Errors] and list all of one run. Warnings come in the order
// of their position, also beside an error.
func (m *Manifest) Resolve(src Source, o ResolveOptions) (*Plan, []Warning, error) {
	if src == nil {
		src = DirSource(m.RootDir())
	}
	r := &resolver{m: m, o: o, tree: newTree(src)}
	r.run()
	if err := r.errs.Err(); err != nil {
		return nil, r.warnings(), err
	}
	return r.plan, r.warnings(), nil
}

type resolver struct {
	m     *Manifest
	o     ResolveOptions
	tree  *tree
	plan  *Plan
	errs  Errors
	warns []Warning
	scans []*scan // [rule][pattern] flattened, in order
	// byDest maps a destination before compiling, byFinal one after, to the
	// index of its entry.
	byDest, byFinal map[string]int
	keep            map[string]*glob
	align           []*glob // of the board
}

// A scan is one pattern of a rule and what it found.
type scan struct {
	rule  *rule
	i     int // index in rule.src
	at    string
	found []string // sources, sorted bytewise
	// left is the first file that matched and was left out, and by what.
	left, leftBy string
}

func (r *resolver) add(path, code, remedy, format string, args ...any) {
	r.errs = append(r.errs, r.m.doc.Errorf(path, code, remedy, format, args...))
}

func (r *resolver) run() {
	m := r.m
	r.plan = &Plan{
		Manifest: m.path, Name: m.Name, Board: m.Board, Partition: string(m.Partition), Layout: m.Layout, Dedup: m.Dedup,
	}
	if m.MPY != nil {
		r.plan.MPYVersion = m.MPY.Version
	}
	if m.Budget != nil {
		r.plan.Budget = *m.Budget
	}
	if r.o.Board != "" {
		r.plan.Board = r.o.Board
	}
	if r.o.Partition != "" {
		r.plan.Partition = r.o.Partition
	}
	r.byDest, r.byFinal = map[string]int{}, map[string]int{}
	for _, a := range r.o.BoardAlign {
		g, err := compileGlob(strings.TrimPrefix(a.Match, "/"))
		if err != nil {
			r.add("board", CodeBoard, err.remedy, "an alignment rule of the board: %s", err.message)
			continue
		}
		r.align = append(r.align, g)
	}
	if len(r.errs) > 0 {
		return
	}
	r.scan()
	r.checkImages()
	next := 0
	for i := range m.compiled.rules {
		rule := &m.compiled.rules[i]
		switch {
		case rule.file.Mkdir != "":
			r.place(Entry{Kind: Dir, Dest: rule.dest, Rule: rule.path, Align: 1}, rule.path+".mkdir")
		case rule.file.Image != "":
			r.image(rule)
		}
		for ; next < len(r.scans) && r.scans[next].rule == rule; next++ {
			r.placeFound(r.scans[next])
		}
	}
}

// scan fills the found lists of all patterns: literals by lookup, the others
// in one walk.
func (r *resolver) scan() {
	var walk []walking
	for i := range r.m.compiled.rules {
		rule := &r.m.compiled.rules[i]
		for j, g := range rule.src {
			at := fmt.Sprintf("%s.src[%d]", rule.path, j)
			if !r.m.doc.Has(at) {
				at = rule.path + ".src"
			}
			s := &scan{rule: rule, i: j, at: at}
			r.scans = append(r.scans, s)
			if g.literal {
				r.literal(s, g)
			} else {
				walk = append(walk, walking{s, g, g.start()})
			}
		}
	}
	r.walk("", walk)
	for _, s := range r.scans {
		slices.Sort(s.found)
		if len(s.found) == 0 && !s.rule.src[s.i].literal && !s.rule.file.Optional {
			r.noMatch(s)
		}
	}
}

// A walking is a pattern that can still match in the directory at hand.
type walking struct {
	s  *scan
	g  *glob
	st globState
}

func (r *resolver) walk(dir string, ws []walking) {
	if len(ws) == 0 {
		return
	}
	d := r.tree.dir(dir)
	if d.err != nil {
		r.add(ws[0].s.at, CodeIO, "", "directory %s cannot be read: %s", strictyaml.Quote(dir), plain(d.err))
		return
	}
	for _, in := range d.infos {
		name := join(dir, in.Name)
		if in.Kind == SourceDir {
			if isJunk(in.Name) {
				continue
			}
			var below []walking
			for _, w := range ws {
				if st := w.g.enter(w.st, in.Name); st != nil {
					below = append(below, walking{w.s, w.g, st})
				}
			}
			r.walk(name, below)
			continue
		}
		for _, w := range ws {
			if w.g.file(w.st, in.Name) {
				r.matched(w.s, name, in)
			}
		}
	}
}

// matched handles one name that a pattern with wildcards matches.
func (r *resolver) matched(s *scan, name string, in SourceInfo) {
	if by := r.leftOut(s.rule, name); by != "" || isJunk(in.Name) {
		if by == "" {
			by = "the junk list"
		}
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
		if kind == SourceDir {
			return // patterns do not follow links to directories
		}
	}
	if kind == SourceIrregular {
		r.irregular(s, name)
		return
	}
	s.found = append(s.found, name)
}

// literal handles a src without wildcards.
func (r *resolver) literal(s *scan, g *glob) {
	kind, err := r.tree.lookup(g.fixed)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if !s.rule.file.Optional {
			r.add(s.at, CodeNoMatch, r.missingRemedy(g), "there is no file %s", strictyaml.Quote(g.fixed))
		}
	case err != nil:
		r.badLink(s, g.fixed, err)
	case kind == SourceDir:
		r.add(s.at, CodeNoMatch, fmt.Sprintf("write %q for the files in it", g.text+"/**"), "%s is a directory", strictyaml.Quote(g.fixed))
	case kind == SourceIrregular:
		r.irregular(s, g.fixed)
	default:
		if by := r.leftOut(s.rule, g.fixed); by != "" {
			r.add(s.at, CodeExcluded, "remove one of the two", "%s is named here and left out by %s", strictyaml.Quote(g.fixed), by)
			return
		}
		s.found = append(s.found, g.fixed)
	}
}

// leftOut says which of the manifest's own excludes hits a source, or "".
func (r *resolver) leftOut(rule *rule, name string) string {
	for i, g := range r.m.compiled.exclude {
		if g.match(name) {
			return fmt.Sprintf("exclude[%d] (%s)", i, g.text)
		}
	}
	for i, g := range rule.exclude {
		if g.match(name) {
			return fmt.Sprintf("%s.exclude[%d] (%s)", rule.path, i, g.text)
		}
	}
	return ""
}

func (r *resolver) noMatch(s *scan) {
	g := s.rule.src[s.i]
	if s.left != "" {
		r.add(s.at, CodeNoMatch, "remove the pattern, or say optional: true", "every file that %s matches is left out: %s by %s", strictyaml.Quote(g.text), strictyaml.Quote(s.left), s.leftBy)
		return
	}
	r.add(s.at, CodeNoMatch, r.missingRemedy(g), "%s matches no file", strictyaml.Quote(g.text))
}

func (r *resolver) missingRemedy(g *glob) string {
	var remedies []string
	if g.literal {
		if d := r.tree.dir(dirOf(g.fixed)); d.err == nil {
			var names []string
			for _, in := range d.infos {
				names = append(names, in.Name)
			}
			if c := strictyaml.Closest(path.Base(g.fixed), names); c != "" {
				remedies = append(remedies, fmt.Sprintf("did you mean %q?", join(dirOf(g.fixed), c)))
			}
		}
	}
	if hint := r.tree.src.Missing("src", g.text); hint != "" {
		remedies = append(remedies, hint)
	}
	if len(remedies) == 0 {
		return "correct it, or say optional: true"
	}
	return strings.Join(remedies, " or ")
}

func (r *resolver) badLink(s *scan, name string, err error) {
	q := strictyaml.Quote(name)
	switch {
	case errors.Is(err, ErrOutside):
		r.add(s.at, CodeEscape, "copy the file, or set root to a directory that holds both", "the symbolic link %s leads out of root", q)
	case errors.Is(err, ErrLoop):
		r.add(s.at, CodeIrregular, "remove or exclude it", "the symbolic link %s leads back to itself", q)
	case errors.Is(err, fs.ErrNotExist):
		r.add(s.at, CodeIrregular, "remove or exclude it", "the symbolic link %s is broken", q)
	default:
		r.add(s.at, CodeIO, "", "%s cannot be read: %s", q, plain(err))
	}
}

func (r *resolver) irregular(s *scan, name string) {
	r.add(s.at, CodeIrregular, "exclude it", "%s is a FIFO, socket or device, and cannot be packed", strictyaml.Quote(name))
}

// plain returns the system's reason without the operation and path.
func plain(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// placeFound turns what a pattern found into entries.
func (r *resolver) placeFound(s *scan) {
	f := s.rule.file
	for _, name := range s.found {
		dest := s.rule.dest
		strip := s.rule.strip[s.i]
		if s.rule.destDir {
			rest := name
			if strip != "" {
				rest = strings.TrimPrefix(name, strip+"/")
			}
			dest = join(dest, rest)
		}
		e := Entry{Kind: File, Dest: dest, Source: name, Path: r.tree.src.Path(name), Rule: s.rule.path, Pattern: s.rule.src[s.i].text, Strip: strip, Align: 1, Bulk: f.Bulk}
		r.place(e, s.at)
	}
}

package manifest

import (
	"fmt"
	"path"
	"strings"

	"rules_romfs/manifest/strictyaml"
)

// place adds e to the plan: it settles the destination, the compiler options
// and the alignment, and refuses what clashes. at is the path of the value
// that errors point to.
func (r *resolver) place(e Entry, at string) {
	for elem := range strings.SplitSeq(e.Dest, "/") {
		if why := badName(elem); why != "" {
			r.add(at, CodeName, "rename or exclude it", "%s cannot go to %s: %s", strictyaml.Quote(e.Source), strictyaml.Quote(e.Dest), why)
			return
		}
	}
	p := r.m.doc.Pos(at)
	e.File, e.Line, e.Column = r.m.path, p.Line, p.Column

	before := e.Dest
	if i, ok := r.byDest[before]; ok {
		first := &r.plan.Entries[i]
		if e.Kind == first.Kind && e.Source == first.Source {
			return // the first rule wins
		}
		r.conflict(e, first, at)
		return
	}
	if e.Kind == File {
		r.setMPY(&e)
	}
	if i, ok := r.byFinal[e.Dest]; ok {
		r.conflict(e, &r.plan.Entries[i], at)
		return
	}
	for dir := dirOf(e.Dest); dir != ""; dir = dirOf(dir) {
		if i, ok := r.byFinal[dir]; ok && r.plan.Entries[i].Kind != Dir {
			r.conflict(e, &r.plan.Entries[i], at)
			return
		}
	}
	r.setAlign(&e, at)
	r.byDest[before], r.byFinal[e.Dest] = len(r.plan.Entries), len(r.plan.Entries)
	r.plan.Entries = append(r.plan.Entries, e)
}

func (r *resolver) conflict(e Entry, first *Entry, at string) {
	r.add(at, CodeConflict, "exclude one of them, or give it another dest", "%s and %s (%s, line %d) both go to %s",
		e.describe(), first.describe(), first.Rule, first.Line, strictyaml.Quote(first.Dest))
}

// describe names what an entry is made from.
func (e *Entry) describe() string {
	switch e.Kind {
	case Dir:
		return "the directory of mkdir"
	case Image:
		return "the image of " + strictyaml.Quote(e.Source)
	}
	return strictyaml.Quote(e.Source)
}

// settings returns one rule's compiler settings over the manifest's, and
// where they come from.
func (m *Manifest) settings(f *Rule, rule string) (MPYSettings, string) {
	var s MPYSettings
	from := "defaults"
	merge := func(over *MPYSettings, name string) {
		from = name
		if over.Compile != nil {
			s.Compile = over.Compile
		}
		if over.Optimize != nil {
			s.Optimize = over.Optimize
		}
		if over.Emit != "" {
			s.Emit = over.Emit
		}
		if over.Arch != "" {
			s.Arch = over.Arch
		}
		if over.ArchFlags != nil {
			s.ArchFlags = over.ArchFlags
		}
		if over.SmallIntBits != nil {
			s.SmallIntBits = over.SmallIntBits
		}
		if over.KeepSource != nil {
			s.KeepSource = over.KeepSource
		}
	}
	if m.MPY != nil {
		merge(&m.MPY.MPYSettings, "mpy")
	}
	if f != nil && f.MPY != nil {
		merge(&f.MPY.MPYSettings, rule+".mpy")
	}
	return s, from
}

// setMPY decides whether and how a file is compiled, and renames it.
func (r *resolver) setMPY(e *Entry) {
	if !strings.HasSuffix(e.Dest, ".py") || path.Base(e.Dest) == ".py" {
		return
	}
	s, from := r.m.settings(r.ruleOf(e), e.Rule)
	switch {
	case r.o.Compile != nil && !*r.o.Compile:
		e.MPYFrom = "compiling is switched off"
		return
	case r.o.Compile == nil && s.Compile != nil && !*s.Compile:
		e.MPYFrom = from + ": compile: false"
		return
	}
	keep := []string{"boot.py", "main.py"}
	if s.KeepSource != nil {
		keep = *s.KeepSource
	}
	for _, k := range keep {
		if r.keepGlob(k).match(e.Dest) {
			e.MPYFrom = "keep_source: " + k
			return
		}
	}
	o := &MPYOptions{SourceName: e.Dest, Emit: "bytecode", Arch: "none", ArchFlags: s.ArchFlags}
	if s.Optimize != nil {
		o.Optimize = *s.Optimize
	}
	if s.Emit != "" {
		o.Emit = s.Emit
	}
	if s.Arch != "" {
		o.Arch = s.Arch
	}
	if s.SmallIntBits != nil {
		o.SmallIntBits = int(*s.SmallIntBits)
	}
	e.MPY, e.MPYFrom = o, from
	e.Dest = strings.TrimSuffix(e.Dest, ".py") + ".mpy"
}

func (r *resolver) keepGlob(text string) *glob {
	if g := r.keep[text]; g != nil {
		return g
	}
	g, err := compileGlob(strings.TrimPrefix(text, "/"))
	if err != nil {
		panic("manifest: check passed the pattern " + text) // check has compiled it
	}
	if r.keep == nil {
		r.keep = map[string]*glob{}
	}
	r.keep[text] = g
	return g
}

// ruleOf returns the rule that placed e.
func (r *resolver) ruleOf(e *Entry) *Rule {
	for i := range r.m.compiled.rules {
		if r.m.compiled.rules[i].path == e.Rule {
			return r.m.compiled.rules[i].file
		}
	}
	return nil
}

// setAlign decides the alignment of a file or image: the rule's align, then
// the align list, then the board, then the layout.
func (r *resolver) setAlign(e *Entry, at string) {
	if e.Kind == Dir {
		return
	}
	boardAlign, boardFrom, boardWhy := int64(1), "", ""
	for i, g := range r.align {
		if g.match(e.Dest) {
			a := r.o.BoardAlign[i]
			boardAlign, boardFrom, boardWhy = a.To, fmt.Sprintf("board %s (%s)", r.plan.Board, a.Match), a.Why
			break
		}
	}
	own := ""
	if f := r.ruleOf(e); f != nil && f.Align != nil {
		e.Align, own = int64(*f.Align), e.Rule+".align"
		e.AlignFrom = own
	} else {
		for i, g := range r.m.compiled.align {
			if g.match(e.Dest) {
				own = fmt.Sprintf("align[%d]", i)
				e.Align, e.AlignFrom = int64(r.m.Align[i].To), fmt.Sprintf("%s (%s)", own, g.text)
				own += ".to"
				break
			}
		}
	}
	switch {
	case own != "" && e.Align < boardAlign:
		why := boardWhy
		if why != "" {
			why = ": " + why
		}
		r.warn(own, LintAlignBelowBoard, fmt.Sprintf("align it to %d", boardAlign), "%s is aligned to %d, and %s wants %d%s", strictyaml.Quote(e.Dest), e.Align, boardFrom, boardAlign, why)
	case own == "" && boardFrom != "":
		e.Align, e.AlignFrom = boardAlign, boardFrom
	case own == "" && r.plan.Layout == "openmv":
		e.Align, e.AlignFrom = 4, "layout openmv"
	}
	if r.o.BaseAlign > 0 && e.Align > r.o.BaseAlign {
		if own == "" {
			own = at
		}
		r.add(own, CodeAlign, fmt.Sprintf("align to at most %d", r.o.BaseAlign), "%s cannot be aligned to %d: the address of the partition is only a multiple of %d", strictyaml.Quote(e.Dest), e.Align, r.o.BaseAlign)
	}
}

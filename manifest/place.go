package manifest

import (
	"strings"

	"rules_romfs/internal/slashpath"
	"rules_romfs/internal/strictyaml"
)

// place adds e to the plan: it settles the destination, the compiler options
// and the alignment, and refuses what clashes. at is the path of the value
// that errors point to.
func (r *resolver) place(rule *rule, e Entry, at string) {
	for elem := range strings.SplitSeq(e.Dest, "/") {
		if why := badName(elem); why != "" {
			r.add(at, CodeName, "rename or exclude it", "%s cannot go to %s: %s", strictyaml.Quote(e.Source), strictyaml.Quote(e.Dest), why)
			return
		}
	}
	p := r.m.doc.Pos(at)
	e.Rule, e.Bulk, e.Align = rule.path, rule.file.Bulk, 1
	e.File, e.Line, e.Column = r.m.path, p.Line, p.Column

	before := e.Dest
	if r.transformed[[2]string{before, e.Source}] {
		return // the first rule wins, also where it packs the source under another name
	}
	if i, ok := r.byDest[before]; ok {
		first := &r.plan.Entries[i]
		if e.Kind == first.Kind && e.Source == first.Source {
			return // one source for one destination: the first rule wins
		}
		if rule.file.Transform == nil {
			r.conflict(&e, first, at)
			return
		}
	}
	switch {
	case rule.file.Transform != nil:
		if !r.setTransform(rule, &e) {
			return
		}
	case e.Kind == File:
		r.setMPY(rule, &e, at)
	}
	if i, ok := r.byFinal[e.Dest]; ok {
		r.conflict(&e, &r.plan.Entries[i], at)
		return
	}
	r.setAlign(rule, &e, at)
	r.byFinal[e.Dest] = len(r.plan.Entries)
	if e.Transform == nil {
		r.byDest[before] = len(r.plan.Entries)
	} else {
		if r.transformed == nil {
			r.transformed = map[[2]string]bool{}
		}
		r.transformed[[2]string{before, e.Source}] = true
	}
	r.plan.Entries = append(r.plan.Entries, e)
	r.at = append(r.at, at)
}

func (r *resolver) conflict(e, first *Entry, at string) {
	remedy := "exclude one of them, or give it another dest"
	if e.Transform != nil || first.Transform != nil {
		remedy += " or output"
	}
	r.add(at, CodeConflict, remedy, "%s and %s (%s, line %d) both go to %s",
		e.describe(), first.describe(), first.Rule, first.Line, strictyaml.Quote(first.Dest))
}

// checkParents refuses files and images that other entries lie below.
func (r *resolver) checkParents() {
	for i := range r.plan.Entries {
		e := &r.plan.Entries[i]
		for dir := slashpath.Parent(e.Dest); dir != ""; dir = slashpath.Parent(dir) {
			j, ok := r.byFinal[dir]
			if !ok || r.plan.Entries[j].Kind == Dir {
				continue
			}
			first := &r.plan.Entries[j]
			r.add(r.at[i], CodeConflict, "give one of them another dest", "%s goes to %s, below the file that %s (%s, line %d) makes",
				e.describe(), strictyaml.Quote(e.Dest), first.describe(), first.Rule, first.Line)
			break
		}
	}
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

package resolve

import (
	"strings"

	"rules_romfs/internal/slashpath"
	"rules_romfs/internal/strictyaml"
	"rules_romfs/manifest/internal/check"
	"rules_romfs/manifest/internal/code"
	"rules_romfs/manifest/internal/plan"
	"rules_romfs/manifest/internal/spec"
)

// place adds e to the plan: it settles the destination, the compiler options
// and the alignment, and refuses what clashes. at is the path of the value
// that errors point to.
func (r *resolver) place(rule *spec.CompiledRule, e plan.Entry, at string) {
	for elem := range strings.SplitSeq(e.Dest, "/") {
		if why := check.BadName(elem); why != "" {
			r.add(at, code.Name, "rename or exclude it", "%s cannot go to %s: %s", strictyaml.Quote(e.Source), strictyaml.Quote(e.Dest), why)
			return
		}
	}
	p := r.m.Doc().Pos(at)
	e.Rule, e.Bulk, e.Align = rule.At, rule.Bulk, 1
	e.File, e.Line, e.Column = r.m.Path(), p.Line, p.Column

	before := e.Dest
	if r.transformed[[2]string{before, e.Source}] {
		return // the first rule wins, also where it packs the source under another name
	}
	if i, ok := r.byDest[before]; ok {
		first := &r.plan.Entries[i]
		if e.Kind == first.Kind && e.Source == first.Source {
			return // one source for one destination: the first rule wins
		}
		if rule.Transform == nil {
			r.conflict(&e, first, at)
			return
		}
	}
	switch {
	case rule.Transform != nil:
		if !r.setTransform(rule, &e) {
			return
		}
	case e.Kind == plan.File:
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

func (r *resolver) conflict(e, first *plan.Entry, at string) {
	remedy := "exclude one of them, or give it another dest"
	if e.Transform != nil || first.Transform != nil {
		remedy += " or output"
	}
	r.add(at, code.Conflict, remedy, "%s and %s (%s, line %d) both go to %s",
		describe(e), describe(first), first.Rule, first.Line, strictyaml.Quote(first.Dest))
}

// checkParents refuses files and images that other entries lie below.
func (r *resolver) checkParents() {
	for i := range r.plan.Entries {
		e := &r.plan.Entries[i]
		for dir := slashpath.Parent(e.Dest); dir != ""; dir = slashpath.Parent(dir) {
			j, ok := r.byFinal[dir]
			if !ok || r.plan.Entries[j].Kind == plan.Dir {
				continue
			}
			first := &r.plan.Entries[j]
			r.add(r.at[i], code.Conflict, "give one of them another dest", "%s goes to %s, below the file that %s (%s, line %d) makes",
				describe(e), strictyaml.Quote(e.Dest), describe(first), first.Rule, first.Line)
			break
		}
	}
}

// describe names what an entry is made from.
func describe(e *plan.Entry) string {
	switch e.Kind {
	case plan.Dir:
		return "the directory of mkdir"
	case plan.Image:
		return "the image of " + strictyaml.Quote(e.Source)
	}
	return strictyaml.Quote(e.Source)
}

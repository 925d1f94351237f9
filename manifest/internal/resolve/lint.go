package resolve

import (
	"slices"

	"rules_romfs/internal/strictyaml"
	"rules_romfs/manifest/internal/code"
	"rules_romfs/manifest/internal/lint"
	"rules_romfs/manifest/internal/plan"
)

// lint warns of what lintEntries finds, and of patterns without effect.
func (r *resolver) lint() {
	for _, f := range lint.Entries(r.plan.Entries, lint.Tools{OpenMV: r.o.OpenMV, Layout: r.plan.Layout}) {
		r.warn(r.at[f.Entry], f.Code, f.Remedy, "%s", f.Message)
	}
	for i, used := range r.usedAlign {
		if used {
			continue
		}
		at := r.m.AlignAt(i) + ".match"
		const remedy = "it is matched against destinations, such as lib/app.mpy"
		if r.m.AlignInherited(i) {
			r.unused(at, remedy, r.m.Align[i].Match)
			continue
		}
		r.warn(at, code.LintUnused, remedy, "%s matches no file of the image", strictyaml.Quote(r.m.Align[i].Match))
	}
}

// unused notes a pattern of the top level that one of several images has no
// use for: another may have.
func (r *resolver) unused(at, remedy, pattern string) {
	if _, silent := slices.BinarySearch(r.plan.Allow, code.LintUnused); !silent {
		p := r.m.Doc().Pos(at)
		r.plan.Idle = append(r.plan.Idle, plan.Warning{Code: code.LintUnused, File: r.m.Path(), Line: p.Line, Column: p.Column, Rule: at, Message: strictyaml.Quote(pattern) + " matches no file of any image", Remedy: remedy})
	}
}

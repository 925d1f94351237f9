package resolve

import (
	"cmp"
	"fmt"
	"slices"

	"rules_romfs/internal/strictyaml"
	"rules_romfs/manifest/internal/code"
	"rules_romfs/manifest/internal/plan"
)

// MaxAlike is how many errors of one kind about one value are reported one by
// one: a wrong pattern may be wrong for thousands of files.
const MaxAlike = 8

// add reports an error about the value at path.
func (r *resolver) add(path, code, remedy, format string, args ...any) {
	if r.full() {
		return
	}
	if r.errCount == nil {
		r.errCount = map[alike]int{}
	}
	k := alike{path, code}
	if r.errCount[k]++; r.errCount[k] <= MaxAlike {
		r.errs = append(r.errs, r.m.Doc().Errorf(path, code, remedy, format, args...))
	}
}

// full reports whether there are so many errors that more are of no use: then
// nothing further is looked for, and no advice is thought of.
func (r *resolver) full() bool { return len(r.errs) > strictyaml.MaxErrors }

// An alike is what makes errors or warnings count as one kind.
type alike struct{ path, code string }

// warn gives a warning about the value at path, unless it is silenced. Of
// several of one kind about one value it gives the first.
func (r *resolver) warn(path string, code code.LintCode, remedy, format string, args ...any) {
	if _, silent := slices.BinarySearch(r.plan.Allow, code); silent {
		return
	}
	if r.warnCount == nil {
		r.warnCount = map[alike]int{}
	}
	k := alike{path, string(code)}
	if r.warnCount[k]++; r.warnCount[k] == 1 {
		p := r.m.Doc().Pos(path)
		r.warns = append(r.warns, plan.Warning{Code: code, File: r.m.Path(), Line: p.Line, Column: p.Column, Rule: path, Message: fmt.Sprintf(format, args...), Remedy: remedy})
	}
}

// finish says how many errors and warnings were left out, and puts all in the
// order of their position, those of nested manifests last.
func (r *resolver) finish() {
	for k, n := range r.errCount {
		if n > MaxAlike {
			r.errs = append(r.errs, r.m.Doc().Errorf(k.path, k.code, "", "… and %d more like these", n-MaxAlike))
		}
	}
	r.errs = r.errs.Limit(r.m.Path())
	r.errs = append(r.errs, r.nestedErrs...)
	for i := range r.warns {
		w := &r.warns[i]
		if n := r.warnCount[alike{w.Rule, string(w.Code)}]; n > 1 {
			w.Message += fmt.Sprintf(" (and %d more)", n-1)
		}
	}
	slices.SortStableFunc(r.warns, func(a, b plan.Warning) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Code, b.Code))
	})
	r.warns = append(r.warns, r.nestedWarns...)
}

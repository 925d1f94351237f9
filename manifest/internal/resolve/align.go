package resolve

import (
	"errors"
	"fmt"
	"slices"

	"rules_romfs/internal/pattern"
	"rules_romfs/internal/strictyaml"
	"rules_romfs/manifest/internal/code"
	"rules_romfs/manifest/internal/plan"
	"rules_romfs/manifest/internal/spec"
)

// setAlign decides the alignment of a file or image: the rule's align, then
// the align list, then the board, then the layout.
func (r *resolver) setAlign(rule *spec.CompiledRule, e *plan.Entry, at string) {
	if e.Kind == plan.Dir {
		return
	}
	var board *plan.BoardAlign
	if i := matchBoard(r.boardAlign, e.Dest); i >= 0 {
		board = &r.o.BoardAlign[i]
	}
	own := at // the value to blame
	list := -1
	for i, g := range r.m.Compiled().Align {
		if g.Match(e.Dest) {
			r.usedAlign[i] = true
			list = i
			break
		}
	}
	switch {
	case rule.Align != nil:
		own = rule.At + ".align"
		e.Align, e.AlignBy, e.AlignFrom = int64(*rule.Align), plan.ByRule, own
	case list >= 0:
		own = r.m.AlignAt(list) + ".to"
		e.Align, e.AlignBy, e.AlignFrom = int64(r.m.Align[list].To), plan.ByList, fmt.Sprintf("%s (%s)", r.m.AlignAt(list), r.m.Align[list].Match)
	case board != nil:
		e.Align, e.AlignBy, e.AlignFrom = board.To, plan.ByBoard, board.Rule(r.plan.Board)+board.Reason()
	case r.plan.Layout == "openmv":
		e.Align, e.AlignBy, e.AlignFrom = spec.OpenMVAlign, plan.ByLayout, "layout openmv"
	}
	explicit := e.AlignBy == plan.ByRule || e.AlignBy == plan.ByList
	if explicit && board != nil && e.Align < board.To {
		r.warn(own, code.LintAlignBelowBoard, fmt.Sprintf("align it to %d", board.To), "%s is aligned to %d, and the %s wants %d%s", strictyaml.Quote(e.Dest), e.Align, board.Rule(r.plan.Board), board.To, board.Reason())
	}
	if e.Nested != nil {
		if inner := e.Nested.MaxAlign(); inner > e.Align {
			if explicit {
				r.add(own, code.Align, fmt.Sprintf("align it to %d, or remove the alignment", inner), "%s is an image that needs an alignment of %d inside, and is itself aligned to %d", strictyaml.Quote(e.Dest), inner, e.Align)
			}
			e.Align, e.AlignBy, e.AlignFrom = inner, plan.ByNested, "nested image"
		}
	}
	if r.o.BaseAlign > 0 && e.Align > r.o.BaseAlign {
		r.add(own, code.Align, fmt.Sprintf("align to at most %d", r.o.BaseAlign), "%s cannot be aligned to %d: the address of the partition is only a multiple of %d", strictyaml.Quote(e.Dest), e.Align, r.o.BaseAlign)
	}
}

// compileBoardAlign compiles the patterns of a board's alignment rules.
func compileBoardAlign(rules []plan.BoardAlign) ([]*pattern.Pattern, *pattern.Error) {
	globs := make([]*pattern.Pattern, len(rules))
	for i, a := range rules {
		g, err := pattern.Compile(a.Match, pattern.Board)
		if wrong := (*pattern.Error)(nil); errors.As(err, &wrong) {
			return nil, wrong
		}
		globs[i] = g
	}
	return globs, nil
}

// matchBoard returns the index of the first of a board's rules that matches, or
// -1.
func matchBoard(globs []*pattern.Pattern, dest string) int {
	return slices.IndexFunc(globs, func(g *pattern.Pattern) bool { return g.Match(dest) })
}

package manifest

import (
	"errors"
	"fmt"
	"slices"

	"rules_romfs/internal/pattern"
	"rules_romfs/internal/strictyaml"
)

// An AlignBy says which kind of rule gave an entry its alignment.
type AlignBy int

// The kinds of rules, the strongest first.
const (
	ByNothing AlignBy = iota
	ByRule            // the rule's align
	ByList            // the manifest's align list
	ByBoard           // the board's profile
	ByLayout          // the layout's default
	ByNested          // the largest alignment inside a nested image
)

// openmvAlign is the alignment of OpenMV's image builder where its
// configuration names none (tools/mkromfs.py, default of "alignment").
const openmvAlign = 4

// setAlign decides the alignment of a file or image: the rule's align, then
// the align list, then the board, then the layout.
func (r *resolver) setAlign(rule *rule, e *Entry, at string) {
	if e.Kind == Dir {
		return
	}
	var board *BoardAlign
	if i := matchBoard(r.boardAlign, e.Dest); i >= 0 {
		board = &r.o.BoardAlign[i]
	}
	own := at // the value to blame
	list := -1
	for i, g := range r.m.compiled.align {
		if g.Match(e.Dest) {
			r.usedAlign[i] = true
			list = i
			break
		}
	}
	switch {
	case rule.file.Align != nil:
		own = rule.path + ".align"
		e.Align, e.AlignBy, e.AlignFrom = int64(*rule.file.Align), ByRule, own
	case list >= 0:
		own = r.m.alignAt(list) + ".to"
		e.Align, e.AlignBy, e.AlignFrom = int64(r.m.Align[list].To), ByList, fmt.Sprintf("%s (%s)", r.m.alignAt(list), r.m.Align[list].Match)
	case board != nil:
		e.Align, e.AlignBy, e.AlignFrom = board.To, ByBoard, board.rule(r.plan.Board)+board.reason()
	case r.plan.Layout == "openmv":
		e.Align, e.AlignBy, e.AlignFrom = openmvAlign, ByLayout, "layout openmv"
	}
	explicit := e.AlignBy == ByRule || e.AlignBy == ByList
	if explicit && board != nil && e.Align < board.To {
		r.warn(own, LintAlignBelowBoard, fmt.Sprintf("align it to %d", board.To), "%s is aligned to %d, and the %s wants %d%s", strictyaml.Quote(e.Dest), e.Align, board.rule(r.plan.Board), board.To, board.reason())
	}
	if e.Nested != nil {
		if inner := e.Nested.MaxAlign(); inner > e.Align {
			if explicit {
				r.add(own, CodeAlign, fmt.Sprintf("align it to %d, or remove the alignment", inner), "%s is an image that needs an alignment of %d inside, and is itself aligned to %d", strictyaml.Quote(e.Dest), inner, e.Align)
			}
			e.Align, e.AlignBy, e.AlignFrom = inner, ByNested, "nested image"
		}
	}
	if r.o.BaseAlign > 0 && e.Align > r.o.BaseAlign {
		r.add(own, CodeAlign, fmt.Sprintf("align to at most %d", r.o.BaseAlign), "%s cannot be aligned to %d: the address of the partition is only a multiple of %d", strictyaml.Quote(e.Dest), e.Align, r.o.BaseAlign)
	}
}

func (b *BoardAlign) rule(board string) string {
	return fmt.Sprintf("board %s (%s)", board, b.Match)
}

func (b *BoardAlign) reason() string {
	if b.Why == "" {
		return ""
	}
	return ": " + b.Why
}

// compileBoardAlign compiles the patterns of a board's alignment rules.
func compileBoardAlign(rules []BoardAlign) ([]*pattern.Pattern, *pattern.Error) {
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

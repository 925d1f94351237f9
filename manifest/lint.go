package manifest

import (
	"fmt"
	"slices"

	"rules_romfs/manifest/strictyaml"
)

// A LintCode names one kind of warning.
type LintCode string

// The warnings that this package gives.
const (
	LintAlignBelowBoard LintCode = "align-below-board"
)

// UnmarshalValue implements [strictyaml.Unmarshaler].
func (c *LintCode) UnmarshalValue(v strictyaml.Value) {
	s, ok := v.String()
	if !ok {
		return
	}
	*c = LintCode(s)
}

// A Warning is something that is probably not meant. Its code silences it:
// in a manifest as lint: {allow: [CODE]}.
type Warning struct {
	Code         LintCode
	File         string
	Line, Column int
	Rule         string
	Message      string
	Remedy       string
}

// String formats w in one line: FILE:LINE:COLUMN: RULE: MESSAGE; REMEDY [CODE].
func (w Warning) String() string {
	e := Error{File: w.File, Line: w.Line, Column: w.Column, Rule: w.Rule, Message: w.Message, Remedy: w.Remedy}
	return fmt.Sprintf("%s [%s]", e.Error(), w.Code)
}

func (r *resolver) warn(path string, code LintCode, remedy, format string, args ...any) {
	if slices.Contains(r.o.Allow, code) || r.m.Lint != nil && slices.Contains(r.m.Lint.Allow, code) {
		return
	}
	p := r.m.doc.Pos(path)
	r.warns = append(r.warns, Warning{Code: code, File: r.m.path, Line: p.Line, Column: p.Column, Rule: path, Message: fmt.Sprintf(format, args...), Remedy: remedy})
}

func (r *resolver) warnings() []Warning { return r.warns }

package plan

import (
	"fmt"
	"slices"

	"rules_romfs/internal/strictyaml"
	"rules_romfs/manifest/internal/code"
)

// A Warning is something that is probably not meant. Its code silences it:
// in a manifest as lint: {allow: [CODE]}.
type Warning struct {
	Code         code.LintCode
	File         string
	Line, Column int // 0 without a manifest
	Rule         string
	Message      string
	Remedy       string
}

// String formats w in one line: FILE:LINE:COLUMN: RULE: MESSAGE; REMEDY [CODE].
func (w Warning) String() string {
	e := strictyaml.Error{File: w.File, Line: w.Line, Column: w.Column, Rule: w.Rule, Message: w.Message, Remedy: w.Remedy}
	return fmt.Sprintf("%s [%s]", e.Error(), w.Code)
}

// Unused returns the warnings about patterns in the top level of a manifest
// that none of its images has a use for. The plans are those of all images.
func Unused(plans []*Plan) []Warning {
	var out []Warning
	for _, w := range plans[0].Idle {
		if !slices.ContainsFunc(plans, func(p *Plan) bool { return !slices.Contains(p.Idle, w) }) {
			out = append(out, w)
		}
	}
	return out
}

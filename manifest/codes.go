package manifest

import (
	"errors"

	"rules_romfs/manifest/internal/code"
	"rules_romfs/manifest/internal/lint"
)

// Codes of errors; docs/manifest.md explains them.
const (
	CodeIO         = code.IO
	CodePattern    = code.Pattern
	CodeNoMatch    = code.NoMatch
	CodeExcluded   = code.Excluded
	CodeEscape     = code.Escape
	CodeName       = code.Name
	CodeStrip      = code.Strip
	CodeConflict   = code.Conflict
	CodeIrregular  = code.Irregular
	CodeAlign      = code.Align
	CodeCycle      = code.Cycle
	CodeBoard      = code.Board
	CodeImages     = code.Images
	CodeDedup      = code.Dedup
	CodeOutput     = code.Output
	CodeMPY        = code.MPY
	CodeTransform  = code.Transform
	CodeUndeclared = code.Undeclared
	CodeLimit      = code.Limit
)

// A LintCode is the code of one kind of warning.
type LintCode = code.LintCode

// A LintInfo describes one kind of warning.
type LintInfo = code.LintInfo

// LintOpenMVDirectory is the warning about directories in an image of the layout
// openmv, which others ask for by name; [Lints] has all.
const LintOpenMVDirectory = code.LintOpenMVDirectory

// Lints returns all kinds of warnings that a build may give, sorted by code.
func Lints() []LintInfo { return code.Lints() }

// ParseLintCode returns the warning of that code.
func ParseLintCode(s string) (LintCode, error) { return code.ParseLint(s) }

// LeftOut names the list by which patterns leave out files and directories of
// that name: "the junk list", "the list of secrets"; empty for most names.
func LeftOut(name string) string { return lint.LeftOut(name) }

// JoinErrors puts together what was wrong with each of several images of one
// manifest, nil with the others. A defect of the top level, which each of them
// has, is listed once. Whatever is no [Errors] counts more.
func JoinErrors(errs []error) error {
	var all Errors
	seen := map[Error]bool{}
	for _, err := range errs {
		var es Errors
		switch {
		case errors.As(err, &es):
		case err != nil:
			return err
		}
		for _, e := range es {
			if !seen[*e] {
				all = append(all, e)
			}
			seen[*e] = true
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

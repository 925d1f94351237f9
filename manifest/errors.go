package manifest

import (
	"errors"

	"rules_romfs/internal/pattern"
	"rules_romfs/internal/strictyaml"
)

// An Error is one defect of a manifest or of the files it names: what is
// wrong, where, and what to do.
type Error = strictyaml.Error

// Errors are all defects that one run found, in file order.
type Errors = strictyaml.Errors

// Codes of the errors that this package reports, besides strictyaml's.
const (
	CodeIO         = "io" // a file or directory cannot be read
	CodePattern    = pattern.CodePattern
	CodeNoMatch    = "no-match" // a pattern or path without a file
	CodeExcluded   = "excluded" // a literal src that the manifest's own exclude hits
	CodeEscape     = pattern.CodeEscape
	CodeName       = pattern.CodeName
	CodeStrip      = "strip"      // strip is no prefix of a pattern
	CodeConflict   = "conflict"   // two sources for one destination, or a file where a directory is
	CodeIrregular  = "irregular"  // a source that is no file: FIFO, socket, device, broken link
	CodeAlign      = "align"      // an alignment that cannot be kept
	CodeCycle      = "cycle"      // nested images that hold themselves
	CodeBoard      = "board"      // a nested image for another board
	CodeImages     = "images"     // several images that do not go together, or where one is wanted
	CodeDedup      = "dedup"      // dedup: true with a layout that cannot have it
	CodeOutput     = "output"     // the build would pack its own output
	CodeMPY        = "mpy"        // settings that contradict each other
	CodeTransform  = "transform"  // a transform that cannot be run
	CodeUndeclared = "undeclared" // Bazel: an image that is not declared, or not used
	CodeLimit      = strictyaml.CodeLimit
)

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

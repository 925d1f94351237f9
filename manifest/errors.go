package manifest

import "rules_romfs/manifest/strictyaml"

// An Error is one defect of a manifest or of the files it names: what is
// wrong, where, and what to do.
type Error = strictyaml.Error

// Errors are all defects that one run found, in file order.
type Errors = strictyaml.Errors

// Codes of the errors that this package reports, besides strictyaml's.
const (
	CodeIO         = "io"         // a file or directory cannot be read
	CodePattern    = "pattern"    // a pattern that cannot be understood
	CodeNoMatch    = "no-match"   // a pattern or path without a file
	CodeExcluded   = "excluded"   // a literal src that the manifest's own exclude hits
	CodeEscape     = "escape"     // a path that leaves root
	CodeName       = "name"       // a name that ROMFS or its driver cannot look up
	CodeStrip      = "strip"      // strip is no prefix of a pattern
	CodeConflict   = "conflict"   // two sources for one destination, or a file where a directory is
	CodeIrregular  = "irregular"  // a source that is no file: FIFO, socket, device, broken link
	CodeAlign      = "align"      // an alignment that cannot be kept
	CodeCycle      = "cycle"      // nested images that hold themselves
	CodeBoard      = "board"      // a nested image for another board
	CodeOutput     = "output"     // the build would pack its own output
	CodeMPY        = "mpy"        // settings that contradict each other
	CodeUndeclared = "undeclared" // Bazel: an image that is not declared, or not used
	CodeLimit      = strictyaml.CodeLimit
)

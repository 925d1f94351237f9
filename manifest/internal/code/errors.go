// Package code holds the codes by which users and scripts know what is wrong
// with a manifest: those of errors, and those of warnings.
package code

import (
	"rules_romfs/internal/pattern"
	"rules_romfs/internal/strictyaml"
)

// Codes of errors, besides strictyaml's.
const (
	IO         = "io" // a file or directory cannot be read
	Pattern    = pattern.CodePattern
	NoMatch    = "no-match" // a pattern or path without a file
	Excluded   = "excluded" // a literal src that the manifest's own exclude hits
	Escape     = pattern.CodeEscape
	Name       = pattern.CodeName
	Strip      = "strip"      // strip is no prefix of a pattern
	Conflict   = "conflict"   // two sources for one destination, or a file where a directory is
	Irregular  = "irregular"  // a source that is no file: FIFO, socket, device, broken link
	Align      = "align"      // an alignment that cannot be kept
	Cycle      = "cycle"      // nested images that hold themselves
	Board      = "board"      // a nested image for another board
	Images     = "images"     // several images that do not go together, or where one is wanted
	Dedup      = "dedup"      // dedup: true with a layout that cannot have it
	Output     = "output"     // the build would pack its own output
	MPY        = "mpy"        // settings that contradict each other
	Transform  = "transform"  // a transform that cannot be run
	Undeclared = "undeclared" // Bazel: an image that is not declared, or not used
	Limit      = strictyaml.CodeLimit
)

package plan

import (
	"fmt"

	"rules_romfs/manifest/internal/code"
)

// A BoardAlign is one alignment rule of a board profile, by destination.
type BoardAlign struct {
	Match string // pattern of destinations
	To    int64
	Why   string // what fails below it, as the end of a sentence; may be empty
}

// Rule names the rule of a board.
func (b *BoardAlign) Rule(board string) string {
	return fmt.Sprintf("board %s (%s)", board, b.Match)
}

// Reason is Why as the end of a sentence.
func (b *BoardAlign) Reason() string {
	if b.Why == "" {
		return ""
	}
	return ": " + b.Why
}

// ResolveOptions are what a build knows besides the manifest. The zero value
// is a build without a board.
type ResolveOptions struct {
	// Board is the board that the image is built for, over what the manifest
	// and those of nested images say.
	Board string
	// Partition overrides the manifest's partition.
	Partition string
	// BoardAlign are the board's alignment rules; the first match counts.
	BoardAlign []BoardAlign
	// OpenMV tells that OpenMV's tools are used on the board: there are warnings
	// of what these do to an image.
	OpenMV bool
	// BaseAlign is the largest power of two that divides the address of the
	// partition: no file can be aligned to more. 0 if it is not known.
	BaseAlign int64
	// Compile overrides mpy.compile of the manifest and of all rules:
	// romfs build --mpy and --no-mpy.
	Compile *bool
	// Outputs are the paths that the build will write. A rule that matches
	// one is an error, since the image would hold its own predecessor.
	Outputs []string
	// Allow silences warnings, besides the manifest's lint.allow.
	Allow []code.LintCode
	// Images are images that were built before: the path of a nested image's
	// manifest as the rule writes it, to the path of the image. If it is not
	// nil, every nested image must be in it and every entry must be used.
	// If it is nil, nested manifests are loaded from beside this one.
	Images map[string]string
	// Reads, if it is not nil, is told of each directory that is listed, each
	// further manifest that is read, whether they are there or not, and each link or
	// file that is refused: besides the manifest itself, and the files of the plan,
	// these decide what the plan is.
	Reads func(path string)
}

// DirOptions are the settings of a build from a plain directory.
type DirOptions struct {
	Name      string // base name of the artifact; empty for the directory's
	Board     string
	Partition string
	Layout    string // empty for compact
	Compile   bool   // whether .py files are compiled; boot.py and main.py of the root never are
	// BoardAlign are the board's alignment rules; the first match counts.
	BoardAlign []BoardAlign
	// OpenMV tells that OpenMV's tools are used on the board.
	OpenMV bool
	// Outputs are the paths that the build will write; one inside the
	// directory is an error.
	Outputs []string
	Allow   []code.LintCode
	// Reads, if it is not nil, is told of each directory that is listed and each
	// name that is refused.
	Reads func(path string)
}

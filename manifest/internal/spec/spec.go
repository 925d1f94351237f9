package spec

import (
	"path/filepath"
	"strings"

	"rules_romfs/internal/pattern"
	"rules_romfs/internal/strictyaml"
)

// working is what a manifest has besides its values.
type working struct {
	doc      *strictyaml.Document
	path     string
	images   []*Manifest // see Images
	section  *section    // nil: all of the document is about this image
	compiled *Compiled
}

// New returns an empty manifest to decode doc into, which was read from path.
func New(doc *strictyaml.Document, path string) *Manifest {
	return &Manifest{working: working{doc: doc, path: path}}
}

// Doc returns the document that the manifest was decoded from, for positions.
func (m *Manifest) Doc() *strictyaml.Document { return m.doc }

// Compiled returns the manifest's patterns, which the check fills in.
func (m *Manifest) Compiled() *Compiled {
	if m.compiled == nil {
		m.compiled = &Compiled{}
	}
	return m.compiled
}

// Compiled are the patterns of a manifest that has been checked.
type Compiled struct {
	Rules   []CompiledRule
	Exclude []*pattern.Pattern
	Align   []*pattern.Pattern
}

// A CompiledRule is one entry of files, with its patterns.
type CompiledRule struct {
	*Rule
	At       string             // files[2], or images[1].files[2]
	Patterns []*pattern.Pattern // of src; nil where one is invalid
	Strips   []string           // what each of them removes from the front of a path
	Excludes []*pattern.Pattern
	Into     string // the destination without leading and trailing slash
	IsDir    bool   // of the destination: sources keep their names below it
}

// Path returns the path that the manifest was loaded from.
func (m *Manifest) Path() string { return m.path }

// Dir returns the directory of the manifest.
func (m *Manifest) Dir() string { return filepath.Dir(m.path) }

// Pos returns where the value at a path such as "budget.max" stands, for errors
// that a later stage finds. For one of several images it is the image's own
// value, or else the top level's.
func (m *Manifest) Pos(path string) strictyaml.Pos { return m.doc.Pos(m.At(path)) }

// RootDir returns the directory that sources are relative to, as a path for
// this machine.
func (m *Manifest) RootDir() string { return filepath.Join(m.Dir(), filepath.FromSlash(m.Root)) }

// BoardRef returns what the manifest says of its board: an id, or the path of
// a board file as seen from here.
func (m *Manifest) BoardRef() string {
	if m.Board != "" && IsPath(m.Board) && !filepath.IsAbs(m.Board) {
		return filepath.Join(m.Dir(), filepath.FromSlash(m.Board))
	}
	return m.Board
}

// IsPath reports whether a board is named by the path of a file, not by id.
func IsPath(board string) bool {
	return strings.ContainsAny(board, `/\`) || strings.HasSuffix(board, ".yaml") || strings.HasSuffix(board, ".yml")
}

// OpenMVAlign is the alignment of OpenMV's image builder where its
// configuration names none (tools/mkromfs.py, default of "alignment").
const OpenMVAlign = 4

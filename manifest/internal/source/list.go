package source

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"rules_romfs/internal/slashpath"
)

// FromList is a Source over declared files alone, as Bazel gives them: it
// maps each name, a slash path below root, to the path to read. The files
// need not exist. Missing, if not nil, gives the advice of [Source].Missing.
func FromList(files map[string]string, missing func(key, value string) string) (Source, error) {
	if missing == nil {
		missing = func(_, _ string) string { return "" }
	}
	l := &listSource{files: files, dirs: map[string][]Info{"": nil}, missing: missing}
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
		l.dirs[dir] = append(l.dirs[dir], Info{path.Base(name), File})
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
	dirs    map[string][]Info
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
	l.dirs[parent] = append(l.dirs[parent], Info{path.Base(dir), Dir})
	return nil
}

func (l *listSource) ReadDir(dir string) ([]Info, error) {
	infos, ok := l.dirs[dir]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return infos, nil
}

func (l *listSource) Follow(string) (Kind, error)      { return File, nil }
func (l *listSource) Locate(string) (string, bool)     { return "", false }
func (l *listSource) Root() string                     { return "" }
func (l *listSource) Path(name string) string          { return l.files[name] }
func (l *listSource) Missing(key, value string) string { return l.missing(key, value) }

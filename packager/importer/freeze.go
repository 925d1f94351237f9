package importer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"rules_romfs/internal/lazyregexp"
	"rules_romfs/manifest"
	"rules_romfs/packager/board"
)

// MicroPython executes a manifest.py as Python. Here it is evaluated as
// Starlark, the part of Python that BUILD files are written in: calls, lists,
// conditions, loops and functions work, imports and files do not exist. So an
// import neither needs Python nor runs what somebody wrote, and what is beyond
// that is an error with its line.

// maxSteps bounds the evaluation of a manifest.py and all that it includes.
// Those of MicroPython's boards take some hundred, with what measures their
// values.
const maxSteps = 100_000

// maxIncludes bounds how deep manifests include each other.
const maxIncludes = 50

// defaultLibraries are the folders of micropython-lib that require searches, in
// order (micropython tools/manifestfile.py, BASE_LIBRARY_NAMES).
var defaultLibraries = []string{"micropython", "python-stdlib", "python-ecosys"}

// freeze imports a manifest of modules to be frozen.
func (im *importer) freeze() error {
	source, err := realAbs(im.Source)
	if err != nil {
		return sourceError(im.Source, err)
	}
	f := &freezer{im: im, vars: map[string]string{}, visited: map[string]bool{}, libraries: map[string]string{}, packages: map[string]map[string]string{}}
	for name, value := range im.Vars {
		// A value that is a path is one from here, not from where it is used.
		if _, err := os.Stat(value); err == nil {
			if value, err = realAbs(value); err != nil {
				return sourceError(value, err)
			}
		}
		f.vars[name] = value
	}
	if im.Lib != "" {
		if f.vars["MPY_LIB_DIR"], err = realAbs(im.Lib); err != nil {
			return sourceError(im.Lib, err)
		}
	}
	if lib := f.vars["MPY_LIB_DIR"]; lib != "" {
		for _, name := range defaultLibraries {
			f.addLibrary(name, filepath.Join(lib, name), false)
		}
	}
	f.meta = []*metadata{{}}
	f.include(source, nil, false)
	if len(f.errs) > 0 {
		return f.errs.Limit(im.Source)
	}
	folder := filepath.Base(filepath.Dir(source))
	im.setName(folder)
	if im.Name == "" && im.Board != "" && !board.IsPath(im.Board) {
		im.doc.name = im.Board
	}
	if err := im.setBoard(); err != nil {
		return err
	}
	return f.write(filepath.Dir(source))
}

// A freezer evaluates a manifest.py and collects what it freezes.
type freezer struct {
	im          *importer
	vars        map[string]string            // of paths
	visited     map[string]bool              // manifests; each counts once
	libraries   map[string]string            // name to directory
	libraryDirs []string                     // to search, in order
	packages    map[string]map[string]string // of a library's directory: name to directory
	frames      []frame                      // the manifests being evaluated, outermost first
	meta        []*metadata                  // of the package at hand, innermost last
	at          *starlark.Thread             // the thread whose call is under way; nil outside
	steps       uint64
	calls       []*freezeCall
	errs        manifest.Errors
}

// A frame is one manifest being evaluated.
type frame struct{ file, dir string }

// metadata is what metadata() says of a package.
type metadata struct{ version string }

// A freezeCall is one call that freezes files.
type freezeCall struct {
	file  string // the manifest
	line  int
	base  string // absolute directory that destinations are relative to
	walk  string // slash path below base whose files were walked; "-" for files that were named
	exts  []string
	opt   *int
	asStr bool
	files []frozenFile
}

type frozenFile struct {
	path, dest string
	version    string // that freezing adds as __version__
}

// name is a path as messages have it.
func (f *freezer) name(path string) string { return shown(path) }

func (f *freezer) fail(pos syntax.Position, file, code, remedy, format string, args ...any) {
	f.errs = append(f.errs, &manifest.Error{File: f.name(file), Line: int(pos.Line), Column: int(pos.Col), Code: code, Message: fmt.Sprintf(format, args...), Remedy: remedy})
}

// noteAt is a note about the call that the thread is in.
func (f *freezer) noteAt(thread *starlark.Thread, code, remedy, format string, args ...any) {
	pos := thread.CallFrame(1).Pos
	f.im.note(Note{code, f.name(pos.Filename()), int(pos.Line), int(pos.Col), fmt.Sprintf(format, args...), remedy})
}

// include evaluates a manifest; kwargs become its options.
func (f *freezer) include(file string, kwargs []starlark.Tuple, require bool) {
	if f.visited[file] {
		return
	}
	f.visited[file] = true
	at := f.where()
	if len(f.frames) >= maxIncludes {
		f.fail(at, at.Filename(), manifest.CodeLimit, "", "manifests include each other more than %d levels deep", maxIncludes)
		return
	}
	data, err := readSource(file)
	switch {
	case err != nil:
		var defects manifest.Errors
		if errors.As(err, &defects) && at.IsValid() {
			f.fail(at, at.Filename(), manifest.CodeIO, "", "includes %s, which %s", f.name(file), defects[0].Message)
		} else {
			f.errs = append(f.errs, defects...)
		}
		return
	}
	f.frames = append(f.frames, frame{file, filepath.Dir(file)})
	if require {
		f.meta = append(f.meta, &metadata{})
	}
	f.evaluate(file, data, kwargs)
	if require {
		f.meta = f.meta[:len(f.meta)-1]
	}
	f.frames = f.frames[:len(f.frames)-1]
}

// where is the place of the include that is under way.
func (f *freezer) where() syntax.Position {
	if f.at == nil {
		return syntax.Position{}
	}
	return f.at.CallFrame(1).Pos
}

// unknownVariable finds a variable that a path still has.
var unknownVariable = lazyregexp.New(`\$\(([^)]*)\)`)

// path resolves a path of a manifest: variables, then relative to the manifest
// at hand. One with an unknown variable is noted as lost.
func (f *freezer) path(thread *starlark.Thread, what, path string) (string, bool) {
	expanded := unknownVariable().ReplaceAllStringFunc(path, func(v string) string {
		if value, ok := f.vars[v[2:len(v)-1]]; ok {
			return value
		}
		return v
	})
	if m := unknownVariable().FindStringSubmatch(expanded); m != nil {
		f.noteAt(thread, NoteLost, fmt.Sprintf("say where it is with --var %s=DIR", m[1]), "%s: the variable %s is not known, so it is left out", what, m[0])
		return "", false
	}
	if strings.ContainsRune(expanded, 0) {
		f.noteAt(thread, NoteLost, "", "%s: a path holds a NUL character, so it is left out", what)
		return "", false
	}
	if expanded = filepath.FromSlash(expanded); !filepath.IsAbs(expanded) {
		expanded = filepath.Join(f.frames[len(f.frames)-1].dir, expanded)
	}
	return filepath.Clean(expanded), true
}

func (f *freezer) addLibrary(name, dir string, first bool) {
	f.libraries[name] = dir
	if first {
		f.libraryDirs = slices.Insert(f.libraryDirs, 0, dir)
	} else {
		f.libraryDirs = append(f.libraryDirs, dir)
	}
}

// findPackage returns the directory below dir that has the package's manifest,
// or nothing, also where dir cannot be read. Each library is walked once.
func (f *freezer) findPackage(dir, name string) (string, error) {
	packages, ok := f.packages[dir]
	if !ok {
		packages = map[string]string{}
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err := f.im.look(1, filepath.Dir(path)); err != nil {
				return err
			}
			switch {
			case err != nil && path == dir:
				return fs.SkipAll
			case err != nil:
				return fs.SkipDir
			case !d.IsDir() && d.Name() == "manifest.py" && isFile(path):
				at := filepath.Dir(path)
				if _, ok := packages[filepath.Base(at)]; !ok { // the first counts
					packages[filepath.Base(at)] = at
				}
			}
			return nil
		})
		if err != nil {
			return "", err
		}
		f.packages[dir] = packages
	}
	return packages[name], nil
}

// walkFiles lists the files below base/dir with one of the extensions, as paths
// relative to base. Links are followed; one that leads back up ends there.
func (im *importer) walkFiles(base, dir string, exts []string) ([]string, error) {
	var found []string
	var visit func(rel string, above []fs.FileInfo) error
	visit = func(rel string, above []fs.FileInfo) error {
		full := filepath.Join(base, rel)
		here, err := os.Stat(full)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(above, func(a fs.FileInfo) bool { return os.SameFile(a, here) }) {
			return nil
		}
		entries, err := os.ReadDir(full)
		if err != nil {
			return err
		}
		if err := im.look(1+len(entries), full); err != nil {
			return err
		}
		for _, e := range entries {
			name := filepath.Join(rel, e.Name())
			info, err := os.Stat(filepath.Join(base, name))
			switch {
			case err != nil: // a broken link
			case info.IsDir():
				if err := visit(name, append(slices.Clip(above), here)); err != nil {
					return err
				}
			case info.Mode().IsRegular() && slices.Contains(exts, strings.ToLower(filepath.Ext(name))):
				found = append(found, name)
			}
			if len(found) > maxFrozen {
				return fmt.Errorf("more than %d files: do symbolic links multiply them?", maxFrozen)
			}
		}
		return nil
	}
	err := visit(filepath.Clean(dir), nil)
	return found, err
}

// maxFrozen bounds the files of one call.
const maxFrozen = 20_000

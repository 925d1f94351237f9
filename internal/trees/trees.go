// Package trees has the files and directories that tests of everything which
// handles images share: a table of what is known to be difficult, and a generator
// of more. What a tree is for one package it is for all: the format, builds,
// readers, boards.
package trees

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rules_romfs/internal/slashpath"
	"rules_romfs/packager/romfs"
)

// TB is what the checks need of a test: of the standard library or of rapid.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Skipf(format string, args ...any)
}

// A Tree is files and directories by path. Directories that hold something need
// no entry.
type Tree struct {
	Name    string
	Entries []Entry
}

// An Entry is a file or an empty directory.
type Entry struct {
	Path    string
	Dir     bool
	Content string
}

// Files are the contents by path.
func (t Tree) Files() map[string]string {
	files := map[string]string{}
	for _, e := range t.Entries {
		if !e.Dir {
			files[e.Path] = e.Content
		}
	}
	return files
}

// Dirs are all directories, also those that hold something, sorted.
func (t Tree) Dirs() []string {
	seen := map[string]bool{}
	for _, e := range t.Entries {
		dir := e.Path
		if !e.Dir {
			dir = slashpath.Parent(dir)
		}
		for ; dir != "" && !seen[dir]; dir = slashpath.Parent(dir) {
			seen[dir] = true
		}
	}
	dirs := make([]string, 0, len(seen))
	for dir := range seen {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	return dirs
}

// Root is the tree for [romfs.NewPlan]. align is the alignment of each file; nil:
// none.
func (t Tree) Root(align func(path string) int64) *romfs.Node {
	root := &romfs.Node{Dir: true}
	dirs := map[string]*romfs.Node{"": root}
	for _, dir := range t.Dirs() {
		up := dirs[slashpath.Parent(dir)]
		n := &romfs.Node{Name: lastName(dir), Dir: true}
		up.Children = append(up.Children, n)
		dirs[dir] = n
	}
	for _, e := range t.Entries {
		if e.Dir {
			continue
		}
		n := &romfs.Node{Name: lastName(e.Path), Size: int64(len(e.Content)), Sum: sha256.Sum256([]byte(e.Content)),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(e.Content)), nil }}
		if align != nil {
			n.Align = align(e.Path)
		}
		up := dirs[slashpath.Parent(e.Path)]
		up.Children = append(up.Children, n)
	}
	return root
}

func lastName(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// Write puts the tree into a folder of the host. It skips the test where the file
// system cannot hold the tree's names, or takes two for one.
func (t Tree) Write(tb TB, folder string) {
	tb.Helper()
	if err := os.MkdirAll(folder, 0o777); err != nil {
		tb.Fatal(err)
	}
	for _, e := range t.Entries {
		path := filepath.Join(folder, filepath.FromSlash(e.Path))
		dir := path
		if !e.Dir {
			dir = filepath.Dir(path)
		}
		if err := os.MkdirAll(dir, 0o777); err != nil {
			tb.Skipf("tree %s: this file system has no %q: %v", t.Name, e.Path, err)
		}
		if e.Dir {
			continue
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if err != nil {
			tb.Skipf("tree %s: this file system has no %q: %v", t.Name, e.Path, err)
		}
		_, err = f.WriteString(e.Content)
		if err := cmp.Or(err, f.Close()); err != nil {
			tb.Fatal(err)
		}
	}
}

// CheckFolder tells what a folder of the host has otherwise than the tree.
func (t Tree) CheckFolder(tb TB, folder string) {
	tb.Helper()
	files, dirs := t.Files(), t.Dirs()
	var found []string
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || path == folder {
			return err
		}
		name, _ := filepath.Rel(folder, path)
		name = filepath.ToSlash(name)
		if d.IsDir() {
			found = append(found, name)
			return nil
		}
		want, ok := files[name]
		delete(files, name)
		got, err := os.ReadFile(path)
		if err != nil || !ok || string(got) != want {
			tb.Errorf("tree %s: %q has %d bytes (%v), which is not what was written", t.Name, name, len(got), err)
		}
		return nil
	})
	slices.Sort(found)
	if err != nil || !slices.Equal(found, dirs) {
		tb.Errorf("tree %s: directories %q, want %q (%v)", t.Name, found, dirs, err)
	}
	for name := range files {
		tb.Errorf("tree %s: %q is missing", t.Name, name)
	}
}

// CheckImage tells what an image has otherwise than the tree: by its walk, and by
// looking everything up.
func (t Tree) CheckImage(tb TB, m *romfs.Image) {
	tb.Helper()
	files := t.Files()
	var dirs []string
	err := m.Walk(func(e *romfs.Entry) error {
		path := e.Path()
		if e.Dir {
			dirs = append(dirs, path)
			return nil
		}
		want, ok := files[path]
		delete(files, path)
		got, err := io.ReadAll(m.Section(e))
		if err != nil || !ok || string(got) != want {
			tb.Errorf("tree %s: %q has %d bytes (%v), which is not what was packed", t.Name, path, len(got), err)
		}
		if found, err := m.ReadFile(path); err == nil && !bytes.Equal(found, got) {
			tb.Errorf("tree %s: looking up %q finds something else", t.Name, path)
		}
		return nil
	})
	slices.Sort(dirs)
	if err != nil || !slices.Equal(dirs, t.Dirs()) {
		tb.Errorf("tree %s: directories %q, want %q (%v)", t.Name, dirs, t.Dirs(), err)
	}
	for path := range files {
		tb.Errorf("tree %s: %q is missing", t.Name, path)
	}
}

// Package rooted opens files of a tree that nothing may lead out of, whatever
// happens to the tree between looking and opening.
package rooted

import (
	"os"
	"path/filepath"
)

// Open opens the file of that slash path below the directory root for reading.
// Symbolic links are followed as long as they stay below root, at the moment of
// opening. An empty root bounds nothing; name is then any path of this machine.
// A FIFO does not wait for its writer. Errors are *os.PathError, and name the
// file by its path.
func Open(root, name string) (*os.File, error) {
	if root == "" {
		return os.OpenFile(name, os.O_RDONLY|nonblock, 0)
	}
	dir, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	f, err := dir.OpenFile(filepath.FromSlash(name), os.O_RDONLY|nonblock, 0)
	if err == nil {
		return f, nil
	}
	// A link that goes up and comes back, or is absolute, is none that os.Root
	// follows; where it leads is.
	full := filepath.Join(root, filepath.FromSlash(name))
	if real, ok := inside(root, full); ok {
		if f, err := dir.OpenFile(real, os.O_RDONLY|nonblock, 0); err == nil {
			return f, nil
		}
	}
	if path, ok := err.(*os.PathError); ok {
		path.Op, path.Path = "open", full
	}
	return nil, err
}

// inside returns where a path leads, relative to root; false if that is outside
// of it, or nothing is there.
func inside(root, path string) (string, bool) {
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		return "", false
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", false
	}
	rel, err := filepath.Rel(root, path)
	if err != nil { // one is absolute
		root, _ = filepath.Abs(root)
		path, _ = filepath.Abs(path)
		rel, err = filepath.Rel(root, path)
	}
	return rel, err == nil && filepath.IsLocal(rel)
}

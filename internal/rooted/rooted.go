// Package rooted opens files of a tree that nothing may lead out of, whatever
// happens to the tree between looking and opening.
package rooted

import (
	"os"
	"path/filepath"
)

// Open opens the file at path, which lies below the directory root, for reading.
// Symbolic links are followed as long as they stay below root, at the moment of
// opening. An empty root bounds nothing. A FIFO does not wait for its writer.
// Errors are *os.PathError about path.
func Open(root, path string) (*os.File, error) {
	if root == "" {
		return os.OpenFile(path, os.O_RDONLY|nonblock, 0)
	}
	name, err := filepath.Rel(root, path)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	if fd, ok := beneath(root, name); ok {
		return os.NewFile(uintptr(fd), path), nil
	}
	dir, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	f, err := dir.OpenFile(name, os.O_RDONLY|nonblock, 0)
	if err == nil {
		return f, nil
	}
	// A link that goes up and comes back, or is absolute, is none that os.Root
	// follows; where it leads is.
	if real, ok := inside(root, path); ok {
		if f, err := dir.OpenFile(real, os.O_RDONLY|nonblock, 0); err == nil {
			return f, nil
		}
	}
	if wrong, ok := err.(*os.PathError); ok {
		wrong.Op, wrong.Path = "open", path
	}
	return nil, err
}

// Descriptor is Open for who reads thousands of small files: a descriptor to close,
// where the system has a fast way to it. Otherwise, and for all errors, it is false.
func Descriptor(root, path string) (fd int, ok bool) {
	name, err := filepath.Rel(root, path)
	if err != nil {
		return 0, false
	}
	return beneath(root, name)
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

// Package atomicfile writes files that are there whole or not at all: into a
// temporary file in the same directory, which takes the target's place at the
// end. That holds for whatever happens to the program, not to the machine: see
// commit.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"rules_romfs/internal/symlink"
)

// A File is being written. Close without Commit leaves nothing behind.
type File struct {
	*pending
	direct *os.File // set for a target that is no regular file
}

// Create begins the file at path with mode 0666 before umask. A symbolic link
// is followed: what it points to is replaced, or made if it is not there. A
// target that exists and is no regular file, such as /dev/null or a FIFO, is
// written in place. What a run that was killed left beside the target is swept.
func Create(path string) (*File, error) {
	f, err := create(path)
	if err == nil && f.Regular() {
		Sweep(filepath.Dir(f.Name()))
	}
	return f, err
}

func create(path string) (*File, error) {
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		if path, err = symlink.Target(path); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s is a directory, not a file", path)
	case !info.Mode().IsRegular():
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		return &File{direct: f}, nil
	default:
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
	}
	p, err := newPending(path)
	if err != nil {
		return nil, err
	}
	return &File{pending: p}, nil
}

// Regular reports whether the file will replace its target. If not, what is
// written arrives at once and cannot be taken back.
func (f *File) Regular() bool { return f.direct == nil }

// Write implements io.Writer.
func (f *File) Write(b []byte) (int, error) {
	if f.direct != nil {
		return f.direct.Write(b)
	}
	return f.pending.Write(b)
}

// Commit puts the file in its place.
func (f *File) Commit() error {
	if f.direct != nil {
		return f.direct.Close()
	}
	return f.pending.commit()
}

// Close removes what was written, unless Commit succeeded.
func (f *File) Close() error {
	if f.direct != nil {
		f.direct.Close() // a second close after Commit is harmless
		return nil
	}
	return f.pending.cleanup()
}

// WriteFile writes data to path atomically.
func WriteFile(path string, data []byte) error {
	f, err := Create(path)
	return write(f, err, data)
}

// WriteEntry is WriteFile for a folder of many files, which its owner sweeps.
func WriteEntry(path string, data []byte) error {
	f, err := create(path)
	return write(f, err, data)
}

func write(f *File, err error, data []byte) error {
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Commit()
}

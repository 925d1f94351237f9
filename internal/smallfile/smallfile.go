// Package smallfile reads thousands of small regular files with as few system
// calls as there can be: open, fstat, read and close for each. An os.File costs
// as many again, for a poller that regular files do not need.
package smallfile

import (
	"errors"
	"os"
)

// Errors of [Read], inside an *os.PathError.
var (
	// ErrNotRegular: the path is that of a directory, FIFO or device. A FIFO is
	// not waited for.
	ErrNotRegular = errors.New("not a regular file")
	// ErrLarge: the file has more bytes than asked for.
	ErrLarge = errors.New("the file is too large")
)

// Open opens a regular file of any size for reading. Whatever else the path names
// is an [ErrNotRegular], without waiting for the writer of a FIFO.
func Open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &os.PathError{Op: "read", Path: path, Err: ErrNotRegular}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

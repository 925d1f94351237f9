// Package smallfile reads thousands of small regular files with as few system
// calls as there can be: open, fstat, read and close for each. An os.File costs
// as many again, for a poller that regular files do not need.
package smallfile

import (
	"bytes"
	"errors"
	"io"
	"os"
	"time"

	"rules_romfs/internal/rooted"
)

// Errors of [Read], inside an *os.PathError.
var (
	// ErrNotRegular: the path is that of a directory, FIFO or device. A FIFO is
	// not waited for.
	ErrNotRegular = errors.New("not a regular file")
	// ErrLarge: the file has more bytes than asked for.
	ErrLarge = errors.New("the file is too large")
)

// ReadBelow is [ReadInto] of a file below the directory root, which no link leads
// out of (see package rooted). An empty root bounds nothing.
func ReadBelow(buf []byte, root, path string, max int64) (content []byte, modified time.Time, err error) {
	if root == "" {
		return ReadInto(buf, path, max)
	}
	if fd, ok := rooted.Descriptor(root, path); ok {
		return readDescriptor(buf, fd, path, max)
	}
	f, err := OpenBelow(root, path)
	if err != nil {
		return nil, modified, err
	}
	defer f.Close()
	return readFile(buf, f, max)
}

// readFile is ReadInto of a file that is open.
func readFile(buf []byte, f *os.File, max int64) (content []byte, modified time.Time, err error) {
	info, err := f.Stat()
	if err != nil {
		return nil, modified, err
	}
	b := bytes.NewBuffer(buf[:0])
	_, err = b.ReadFrom(io.LimitReader(f, max+1))
	if content = b.Bytes(); err == nil && int64(len(content)) > max {
		err = &os.PathError{Op: "read", Path: f.Name(), Err: ErrLarge}
	}
	if err != nil {
		return nil, modified, err
	}
	return content, info.ModTime(), nil
}

// Open opens a regular file of any size for reading. Whatever else the path names
// is an [ErrNotRegular], without waiting for the writer of a FIFO.
func Open(path string) (*os.File, error) { return OpenBelow("", path) }

// OpenBelow is [Open] of a file as [ReadBelow] has it.
func OpenBelow(root, path string) (*os.File, error) {
	f, err := rooted.Open(root, path)
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

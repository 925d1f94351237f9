//go:build !(linux || darwin || freebsd || netbsd)

package smallfile

import (
	"bytes"
	"io"
	"os"
	"time"
)

// Read returns the content of the regular file at path, of max bytes at most,
// and when it was last modified. Its errors are *os.PathError.
func Read(path string, max int64) (content []byte, modified time.Time, err error) {
	return ReadInto(nil, path, max)
}

// ReadInto is Read into buf, or another buffer where that is too small.
func ReadInto(buf []byte, path string, max int64) (content []byte, modified time.Time, err error) {
	f, err := Open(path)
	if err != nil {
		return nil, modified, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, modified, err
	}
	b := bytes.NewBuffer(buf[:0])
	_, err = b.ReadFrom(io.LimitReader(f, max+1))
	if content = b.Bytes(); err == nil && int64(len(content)) > max {
		err = &os.PathError{Op: "read", Path: path, Err: ErrLarge}
	}
	if err != nil {
		return nil, modified, err
	}
	return content, fi.ModTime(), nil
}

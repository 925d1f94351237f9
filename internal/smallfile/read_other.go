//go:build !(linux || darwin || freebsd || netbsd)

package smallfile

import (
	"io"
	"os"
	"time"
)

// Read returns the content of the regular file at path, of max bytes at most,
// and when it was last modified. Its errors are *os.PathError.
func Read(path string, max int64) (content []byte, modified time.Time, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, modified, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, modified, err
	}
	if !fi.Mode().IsRegular() {
		return nil, modified, &os.PathError{Op: "read", Path: path, Err: ErrNotRegular}
	}
	content, err = io.ReadAll(io.LimitReader(f, max+1))
	if err == nil && int64(len(content)) > max {
		err = &os.PathError{Op: "read", Path: path, Err: ErrLarge}
	}
	if err != nil {
		return nil, modified, err
	}
	return content, fi.ModTime(), nil
}

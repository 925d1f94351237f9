//go:build linux || darwin || freebsd || netbsd

package smallfile

import (
	"os"
	"slices"
	"syscall"
	"time"
)

// Read returns the content of the regular file at path, of max bytes at most,
// and when it was last modified. Its errors are *os.PathError.
func Read(path string, max int64) (content []byte, modified time.Time, err error) {
	return ReadInto(nil, path, max)
}

// ReadInto is Read into buf, or another buffer where that is too small.
func ReadInto(buf []byte, path string, max int64) (content []byte, modified time.Time, err error) {
	fd, err := retry(func() (int, error) {
		return syscall.Open(path, syscall.O_RDONLY|nonblock|syscall.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, modified, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return readDescriptor(buf, fd, path, max)
}

// readDescriptor reads what is open, and closes it.
func readDescriptor(buf []byte, fd int, path string, max int64) (content []byte, modified time.Time, err error) {
	defer syscall.Close(fd)
	var st syscall.Stat_t
	if _, err = retry(func() (int, error) { return 0, syscall.Fstat(fd, &st) }); err == nil {
		content, err = read(buf, fd, &st, max)
	}
	if err != nil {
		return nil, modified, &os.PathError{Op: "read", Path: path, Err: err}
	}
	return content, modifiedAt(&st), nil
}

func read(buf []byte, fd int, st *syscall.Stat_t, max int64) ([]byte, error) {
	if st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return nil, ErrNotRegular
	}
	if st.Size > max {
		return nil, ErrLarge
	}
	// One byte more than there is, so that a read which does not fill the
	// buffer has met the end of the file.
	b := slices.Grow(buf[:0], int(st.Size)+1)[:st.Size+1]
	for n := 0; ; {
		m, err := retry(func() (int, error) { return syscall.Read(fd, b[n:]) })
		if err != nil {
			return nil, err
		}
		n += m
		switch {
		case int64(n) > max:
			return nil, ErrLarge
		case n < len(b) && (m == 0 || int64(n) == st.Size):
			return b[:n], nil
		case n == len(b): // it has grown since
			b = append(b, make([]byte, len(b))...)
		}
	}
}

// retry repeats a system call that a signal interrupted.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != syscall.EINTR {
			return n, err
		}
	}
}

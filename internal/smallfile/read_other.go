//go:build !(linux || darwin || freebsd || netbsd)

package smallfile

import "time"

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
	return readFile(buf, f, max)
}

// readDescriptor is for systems that open files by descriptors.
func readDescriptor([]byte, int, string, int64) ([]byte, time.Time, error) { panic("no descriptors") }

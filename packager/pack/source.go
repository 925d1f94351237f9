package pack

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"runtime"
	"time"

	"rules_romfs/internal/smallfile"
)

// errNotRegular is what a source may not be: reading a FIFO would hang, and a
// device has no end.
var errNotRegular = errors.New("no regular file; remove it, or exclude it in the manifest")

// openRegular opens a source for reading and refuses whatever is no regular
// file, without ever waiting for a writer.
func (in *Input) openRegular() (*os.File, error) {
	f, err := smallfile.OpenBelow(in.Root, in.Path)
	return f, advise(in.Path, err)
}

// advise says what to do about a source that is no regular file.
func advise(path string, err error) error {
	if errors.Is(err, smallfile.ErrNotRegular) {
		return &os.PathError{Op: "read", Path: path, Err: errNotRegular}
	}
	return err
}

// A version tells a file from what it was before or after somebody wrote to it
// or replaced it. The zero version is none.
type version struct{ info os.FileInfo }

// is reports whether nothing has changed.
func (v version) is(now os.FileInfo) bool {
	return os.SameFile(v.info, now) && v.info.Size() == now.Size() && v.info.ModTime().Equal(now.ModTime())
}

// settled reports whether any later change would show. It would not where the
// last one was in the same tick of the file system's clock: a hundredth of a
// second on most, two seconds on those that count in seconds.
func (v version) settled(now time.Time) bool {
	if runtime.GOOS == "windows" {
		return false // the time is that when the writer closes the file
	}
	age := now.Sub(v.info.ModTime())
	return age >= 3*time.Second || age >= 100*time.Millisecond && v.info.ModTime().Nanosecond() != 0
}

// freshFor is how old a source is whose writer is surely done with it. A younger
// one may be half written: it is looked at once more before the image counts.
const freshFor = 3 * time.Second

// A fresh source was written to shortly before it was read.
type fresh struct {
	path     string
	size     int64
	modified time.Time
	fail     func(error) error
}

// unchanged returns an error if the source is no longer what was read.
func (f fresh) unchanged() error {
	info, err := os.Stat(f.path)
	switch {
	case err != nil:
		return f.fail(err)
	case info.Size() != f.size || !info.ModTime().Equal(f.modified):
		return f.fail(errChanged)
	}
	return nil
}

// A sourceFile is an open source. It names the source in errors of reading it.
type sourceFile struct {
	*os.File
	in *Input
}

func (f *sourceFile) Read(b []byte) (int, error) {
	n, err := f.File.Read(b)
	if err != nil && err != io.EOF {
		err = f.in.fail(err)
	}
	return n, err
}

// errChanged is about a file whose content is not what the image was laid out for.
var errChanged = errors.New("it changed while it was read; build again when nothing writes to it")

// A measured content is one whose sha256 is found out, or checked, while it is
// read for the image.
type measured struct {
	io.ReadCloser
	in   *Input
	hash hash.Hash
}

func (m *measured) Read(b []byte) (int, error) {
	n, err := m.ReadCloser.Read(b)
	m.hash.Write(b[:n])
	if err == io.EOF {
		if end := m.end(); end != nil {
			err = m.in.fail(end)
		}
	}
	return n, err
}

// end is what there is to say at the end of the content.
func (m *measured) end() error {
	if f, ok := m.ReadCloser.(*sourceFile); ok {
		if now, err := f.Stat(); err != nil {
			return err
		} else if !m.in.seen.is(now) {
			return errChanged
		}
	}
	sum := [sha256.Size]byte(m.hash.Sum(nil))
	if m.in.known && sum != m.in.sum {
		return errChanged
	}
	m.in.sum, m.in.known = sum, true
	return nil
}

// A SourceError says that a source cannot be packed.
type SourceError struct {
	Source string // as the manifest names it
	Rule   string // that chose it; empty without a manifest
	Err    error
}

func (e *SourceError) Error() string {
	if e.Rule == "" {
		return fmt.Sprintf("%s: %v", e.Source, cause(e.Err))
	}
	return fmt.Sprintf("%s (%s): %v", e.Source, e.Rule, cause(e.Err))
}

func (e *SourceError) Unwrap() error { return e.Err }

// cause drops the path of an error that says it after e.Source has: on the
// machine the same file is named by a longer path.
func cause(err error) error {
	var pathError *os.PathError
	switch {
	case !errors.As(err, &pathError):
		return err
	case pathError.Op == "read":
		return fmt.Errorf("cannot read it: %w", pathError.Err)
	}
	return pathError.Err // opening it failed
}

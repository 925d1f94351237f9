package pack

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sync/errgroup"

	"rules_romfs/packager/report"
)

// errNotRegular is what a source may not be: reading a FIFO would hang, and a
// device has no end.
var errNotRegular = errors.New("no regular file; remove it, or exclude it in the manifest")

// openRegular opens a source for reading and refuses whatever is no regular
// file, without ever waiting for a writer.
func openRegular(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|openNonblock, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &os.PathError{Op: "read", Path: path, Err: errNotRegular}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// MPYHeaderLen is enough for any .mpy header: four bytes and a varuint of 64 bits.
const MPYHeaderLen = 4 + 10

// A digested input is what one look at its content tells.
type digested struct {
	size int64
	sum  [sha256.Size]byte
	head []byte // the first MPYHeaderLen bytes, or fewer
}

// digest reads every input once, several at a time. Each file is read again
// when the image is written, which fails if it is another then: what goes into
// an image is what was looked at here. All failures are reported, in order.
func digest(ctx context.Context, inputs []Input, jobs int, reporter report.Reporter) ([]digested, error) {
	found, errs := make([]digested, len(inputs)), make([]error, len(inputs))
	task := reporter.Task("read", int64(len(inputs)), report.Files)
	var group errgroup.Group
	group.SetLimit(max(jobs, 1))
	for i := range inputs {
		group.Go(func() error {
			if ctx.Err() == nil {
				found[i], errs[i] = digestOne(&inputs[i])
				task.Add(1)
			}
			return nil
		})
	}
	group.Wait()
	err := context.Cause(ctx)
	if err == nil {
		err = errors.Join(errs...)
	}
	if err != nil {
		task.Fail(err)
		return nil, err
	}
	task.Done()
	return found, nil
}

func digestOne(in *Input) (digested, error) {
	r, err := in.open()
	if err != nil {
		return digested{}, err
	}
	defer r.Close()
	h := sha256.New()
	d := digested{head: make([]byte, MPYHeaderLen)}
	n, err := io.ReadFull(r, d.head)
	d.head = d.head[:n]
	h.Write(d.head)
	d.size = int64(n)
	if err == nil {
		var rest int64
		rest, err = copyBuffered(h, r)
		d.size += rest
	} else if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // shorter than a header
	}
	if err != nil {
		return digested{}, err
	}
	d.sum = [sha256.Size]byte(h.Sum(nil))
	return d, nil
}

// buffers keep thousands of small files from allocating one each.
var buffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

func copyBuffered(w io.Writer, r io.Reader) (int64, error) {
	b := buffers.Get().(*[64 << 10]byte)
	defer buffers.Put(b)
	// Hidden, a file's own WriteTo does not come with a buffer of its own.
	return io.CopyBuffer(w, struct{ io.Reader }{r}, b[:])
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

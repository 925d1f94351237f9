package pack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"rules_romfs/internal/smallfile"
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

// Small files are kept from the first look to the writing, so that an image of
// a thousand modules does not open two thousand files; large ones are read
// again. The bounds keep a build's memory in proportion to its image.
const (
	keepFile  = 64 << 10 // bytes of one file
	keepTotal = 16 << 20 // bytes of all of them
)

// digest reads every input once, several at a time. Those that are not kept
// are read again when the image is written, which fails if they are others
// then: what goes into an image is what was looked at here. All failures are
// reported, in order.
func digest(ctx context.Context, inputs []Input, jobs int, reporter report.Reporter) ([]digested, error) {
	found, errs := make([]digested, len(inputs)), make([]error, len(inputs))
	task := reporter.Task("read", int64(len(inputs)), report.Files)
	var room atomic.Int64
	room.Store(keepTotal)
	var next atomic.Int64
	var group errgroup.Group
	for range min(max(jobs, 1), len(inputs)) {
		group.Go(func() error {
			d := digester{room: &room}
			for i := next.Add(1) - 1; i < int64(len(inputs)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				found[i], errs[i] = d.digest(&inputs[i])
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

// A digester looks at one input after the other.
type digester struct {
	room *atomic.Int64 // bytes that may still be kept, by all digesters
	buf  []byte        // for large files; nil until the first
	hash hash.Hash
}

func (d *digester) digest(in *Input) (digested, error) {
	if in.Code == nil && in.Nested == nil {
		switch b, _, err := smallfile.Read(in.Path, keepFile); {
		case err == nil:
			if d.room.Add(-int64(len(b))) >= 0 {
				in.kept = b
			}
			return look(b), nil
		case errors.Is(err, smallfile.ErrNotRegular):
			return digested{}, in.fail(&os.PathError{Op: "read", Path: in.Path, Err: errNotRegular})
		case !errors.Is(err, smallfile.ErrLarge):
			return digested{}, in.fail(err)
		}
	}
	if in.Code != nil {
		return look(in.Code), nil
	}
	return d.stream(in)
}

// look is all there is to know about a content in memory.
func look(b []byte) digested {
	return digested{int64(len(b)), sha256.Sum256(b), bytes.Clone(b[:min(len(b), MPYHeaderLen)])}
}

// stream reads a content that is not to be held in memory.
func (d *digester) stream(in *Input) (digested, error) {
	r, err := in.open()
	if err != nil {
		return digested{}, err
	}
	defer r.Close()
	if d.buf == nil {
		d.buf, d.hash = make([]byte, 128<<10), sha256.New()
	}
	d.hash.Reset()
	var found digested
	for {
		n, err := io.ReadFull(r, d.buf)
		d.hash.Write(d.buf[:n])
		if found.size == 0 {
			found.head = bytes.Clone(d.buf[:min(n, MPYHeaderLen)])
		}
		found.size += int64(n)
		switch {
		case err == nil:
			continue
		case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
			return digested{}, err
		}
		found.sum = [sha256.Size]byte(d.hash.Sum(nil))
		return found, nil
	}
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

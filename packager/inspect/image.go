package inspect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"rules_romfs/internal/syserr"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/romfs"
)

// An Image is an image that can be read.
type Image struct {
	*romfs.Image
	*Source
}

// Open opens the image in the file of that path; one that no board would mount
// is an error.
func Open(ctx context.Context, path string) (*Image, error) {
	s, err := OpenSource(ctx, path)
	if err != nil {
		return nil, err
	}
	return s.Image()
}

// Image returns the image at the start of the source; it closes a source that
// is none.
func (s *Source) Image() (*Image, error) {
	m, err := romfs.Open(s.Data, s.Length)
	if err != nil {
		s.Close()
		return nil, &ImageError{s.Name, err}
	}
	return &Image{m, s}, nil
}

// Identity reads the bytes of the image alone, not what follows it.
func (im *Image) Identity() (artifact.Image, error) {
	id, err := artifact.Identify(io.NewSectionReader(im.Data, 0, im.Size()))
	if err != nil {
		err = fmt.Errorf("%s: %w", im.Name, err)
	}
	return id, err
}

// Sidecar returns the sidecar beside the image; nil without one. It is not
// checked against the image.
func (s *Source) Sidecar() (*artifact.Sidecar, error) {
	if s.Path == "" {
		return s.sidecar, nil
	}
	sidecar, err := artifact.Load(artifact.Path(s.Path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return sidecar, err
}

// Find returns the entry of that path, as people write it. Where there is none in
// an image of which damage hides a part, the error says so.
func (im *Image) Find(path string) (*romfs.Entry, error) {
	e, err := im.Lookup(CleanPath(path))
	switch {
	case err == nil:
		return e, nil
	case im.Damage("") != nil:
		return nil, &InputError{fmt.Errorf("%s: %w, and the image is damaged: `romfs verify` says more", im.Name, syserr.Plain(err))}
	}
	return nil, &InputError{fmt.Errorf("%s: %w", im.Name, syserr.Plain(err))}
}

var errPaths = fmt.Errorf("its paths add up to more than %d MiB: no image that a build writes", romfs.MaxPaths>>20)

// entries lists what is below dir ("." for all), in image order: also what no
// lookup on the board would find. Where the image is damaged, the error comes
// with what is before the damage.
func (im *Image) entries(dir string) ([]*romfs.Entry, error) {
	root, err := im.Find(dir)
	if err != nil {
		return nil, err
	}
	if !root.Dir {
		return []*romfs.Entry{root}, nil
	}
	var all []*romfs.Entry
	var paths pathBudget
	err = im.Walk(func(e *romfs.Entry) error {
		if err := paths.spend(e); err != nil {
			return err
		}
		switch within(e, root) {
		case around:
			return nil
		case apart:
			if e.Dir {
				return fs.SkipDir
			}
			return nil
		}
		all = append(all, e)
		return nil
	})
	switch {
	case err == errPaths:
		return nil, im.imageErrorf("%w", err)
	case err != nil:
		err = im.imageErrorf("%w; `romfs verify` says more", err)
	}
	return all, err
}

// A relation is how an entry lies to a directory.
type relation int

const (
	below relation = iota
	around
	apart
)

// within tells where e lies, from its record's place: paths may be ambiguous.
func within(e, dir *romfs.Entry) relation {
	end, dirEnd := e.RecordOffset+e.RecordSize, dir.RecordOffset+dir.RecordSize
	switch {
	case e.RecordOffset > dir.RecordOffset && end <= dirEnd:
		return below
	case e.RecordOffset <= dir.RecordOffset && end >= dirEnd:
		return around
	}
	return apart
}

// A pathBudget adds up the lengths of paths without spelling them out.
type pathBudget struct {
	open []pathLength // directories around the entry at hand
	sum  int64
}

type pathLength struct{ end, length int64 } // where the directory ends, and its path's length

// spend counts the path of the next entry of a walk.
func (b *pathBudget) spend(e *romfs.Entry) error {
	for len(b.open) > 0 && e.RecordOffset >= b.open[len(b.open)-1].end {
		b.open = b.open[:len(b.open)-1]
	}
	length := int64(len(e.Name))
	if n := len(b.open); n > 0 {
		length += 1 + b.open[n-1].length
	}
	if b.sum += length; b.sum > romfs.MaxPaths {
		return errPaths
	}
	if e.Dir {
		b.open = append(b.open, pathLength{e.RecordOffset + e.RecordSize, length})
	}
	return nil
}

// copyEntry copies a file's content, unless Ctrl-C comes first.
func (im *Image) copyEntry(ctx context.Context, w io.Writer, e *romfs.Entry) error {
	_, err := io.Copy(w, ctxReader{ctx, im.Section(e)})
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%s: %w", im.Name, err)
	}
	return err
}

// A ctxReader stops at Ctrl-C.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c ctxReader) Read(b []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(b)
}

package pack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"rules_romfs/internal/batch"
	"rules_romfs/internal/smallfile"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/content"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

// MPYHeaderLen is enough for any .mpy header: four bytes and a varuint of 64 bits.
const MPYHeaderLen = 4 + 10

// A digested input is what its content tells when it is read, besides its sha256.
type digested struct {
	size    int64
	head    []byte           // of a .mpy file: the first MPYHeaderLen bytes, or fewer
	finding *content.Finding // about a content that cannot be what its suffix says
}

// Small files are kept from being read to being written, so that an image of
// a thousand modules does not open two thousand files. The bounds keep a build's
// memory in proportion to its image.
const (
	keepFile  = 64 << 10 // bytes of one file
	keepTotal = 16 << 20 // bytes of all of them
)

// digest looks at every input, several at a time. Small files are read. Of a
// large one its size is enough: it is read when the image is written, once, and
// that fails if it is no longer the file that was there. Before that
// only those are read whose content decides the layout, and those that have just
// been written, so that a change might not show. All failures are reported, in
// order.
func digest(ctx context.Context, inputs []Input, dedup bool, jobs int, reporter report.Reporter) ([]digested, error) {
	task := reporter.Task("read", int64(len(inputs)), report.Files)
	d := digester{ctx: ctx, now: time.Now()}
	d.room.Store(keepTotal)
	all := make([]*Input, len(inputs))
	for i := range inputs {
		all[i] = &inputs[i]
	}
	found, err := batch.Run(ctx, max(jobs, 1), all, d.stat, func(int, *digested) { task.Add(1) })
	if err == nil && dedup {
		err = digestDuplicates(ctx, inputs, found)
	}
	if err != nil {
		task.Fail(err)
		return nil, err
	}
	task.Done()
	return found, nil
}

// A digester looks at inputs.
type digester struct {
	ctx  context.Context
	now  time.Time
	room atomic.Int64 // bytes that may still be kept
}

func (d *digester) stat(in *Input) (digested, error) {
	switch {
	case in.Nested != nil:
		return digested{size: in.Nested.Plan.Size}, nil
	case in.Code != nil:
		return in.statContent(in.Code), nil
	}
	switch b, modified, err := smallfile.ReadBelow(nil, in.Root, in.Path, keepFile); {
	case err == nil:
		if d.room.Add(-int64(len(b))) >= 0 {
			in.Code = b
		}
		if d.now.Sub(modified) < freshFor {
			in.fresh = &fresh{in.Path, int64(len(b)), modified, in.fail}
		}
		return in.statContent(b), nil
	case !errors.Is(err, smallfile.ErrLarge):
		return digested{}, in.fail(advise(in.Path, err))
	}
	found, err := d.large(in)
	if err == nil && found.size <= romfs.MaxSize && !in.seen.settled(d.now) {
		err = in.digest(d.ctx)
	}
	return found, err
}

// large looks at a file that is not read as a whole.
func (d *digester) large(in *Input) (digested, error) {
	f, err := in.openRegular()
	if err != nil {
		return digested{}, in.fail(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return digested{}, in.fail(err)
	}
	in.seen = version{info}
	head := make([]byte, MPYHeaderLen)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return digested{}, in.fail(err)
	}
	return digested{info.Size(), head[:n], content.Check(in.Dest, f, info.Size())}, nil
}

// statContent reads a content in memory.
func (in *Input) statContent(b []byte) digested {
	in.sum, in.known = sha256.Sum256(b), true
	found := digested{size: int64(len(b))}
	if in.isMPY() {
		found.head = bytes.Clone(b[:min(len(b), MPYHeaderLen)])
	}
	if in.Kind != artifact.KindMPY { // what was compiled here has been looked at
		found.finding = content.Check(in.Dest, bytes.NewReader(b), int64(len(b)))
	}
	return found
}

// digest reads a content to know its sha256.
func (in *Input) digest(ctx context.Context) error {
	r, err := in.measure()
	if err != nil {
		return err
	}
	defer r.Close()
	for buf := make([]byte, 128<<10); err == nil; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		_, err = r.Read(buf)
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// digestDuplicates reads what may be the same as another input, which is then stored
// only once: contents of one size that are equal in a few places.
func digestDuplicates(ctx context.Context, inputs []Input, found []digested) error {
	bySize := map[int64][]*Input{}
	for i := range inputs {
		if !inputs[i].known {
			bySize[found[i].size] = nil
		}
	}
	for i := range inputs {
		if same, ok := bySize[found[i].size]; ok {
			bySize[found[i].size] = append(same, &inputs[i])
		}
	}
	for _, size := range slices.Sorted(maps.Keys(bySize)) {
		duplicates, err := sameSamples(bySize[size], size)
		if err != nil {
			return err
		}
		for _, in := range duplicates {
			if in.known {
				continue
			}
			if err := in.digest(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// sameSamples returns those inputs of one size whose sample another one has too.
// No place of a nested image can be read alone: beside one, it returns all.
func sameSamples(inputs []*Input, size int64) ([]*Input, error) {
	if len(inputs) < 2 {
		return nil, nil
	}
	if slices.ContainsFunc(inputs, func(in *Input) bool { return in.Nested != nil }) {
		return inputs, nil
	}
	var duplicates []*Input
	first := map[[sha256.Size]byte]*Input{}
	for _, in := range inputs {
		sample, err := in.sample(size)
		if err != nil {
			return nil, err
		}
		if other := first[sample]; other != nil {
			duplicates = append(duplicates, other, in)
		} else {
			first[sample] = in
		}
	}
	return duplicates, nil
}

// sample is a digest of a few places of a content of that size: enough to tell
// two models of one kind from each other.
func (in *Input) sample(size int64) (sum [sha256.Size]byte, err error) {
	const piece = 4096
	var r io.ReaderAt = bytes.NewReader(in.Code)
	if in.Code == nil {
		f, err := in.openRegular()
		if err != nil {
			return sum, in.fail(err)
		}
		defer f.Close()
		r = f
	}
	h := sha256.New()
	for _, at := range []int64{0, size / 2, size - piece} {
		if _, err := io.Copy(h, io.NewSectionReader(r, at, piece)); err != nil {
			return sum, in.fail(err)
		}
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

package deploy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"iter"
	"slices"

	"rules_romfs/packager/deploy/flash"
	"rules_romfs/packager/device"
	"rules_romfs/packager/repl"
	"rules_romfs/packager/report"
)

// keep is how many bytes of each block's digest the board sends. They only
// pick blocks; that the whole is right, a full SHA-256 shows.
const keep = 6

// compare finds out which blocks differ, and plans how to change them.
func (j *job) compare(ctx context.Context, rom *device.ROM) (*plan, error) {
	task := j.req.Reporter.Task(j.b.Port+": comparing", int64(len(j.data)), report.Bytes)
	p, err := j.survey(ctx, rom, task.Add)
	if err == nil && p.changed > 0 && !j.req.VerifyOnly {
		err = j.plan(ctx, rom, p)
	}
	if err != nil {
		task.Fail(nil)
		return nil, err
	}
	task.Done()
	return p, nil
}

// survey finds out which blocks differ.
func (j *job) survey(ctx context.Context, rom *device.ROM, progress func(int64)) (*plan, error) {
	p := newPlan(&j.geo, int64(len(j.data)), 0)
	same, err := j.holdsImage(ctx, rom)
	if err != nil || same {
		progress(p.size)
		return p, err
	}
	if !j.full || j.req.VerifyOnly {
		if p.hashes, err = rom.Hashes(ctx, 0, p.size, p.block, keep, progress); err != nil {
			return nil, err
		}
	}
	p.mark(j.data, rom.Sum)
	if p.changed > 0 {
		return p, nil
	}
	// All short digests agree, or checksums, which prove nothing. And the heads may
	// differ from what was read at first, if this is a second attempt.
	if same, err = holds(ctx, rom, 0, j.data); err != nil {
		return nil, err
	}
	if !same {
		p.markAll()
	}
	return p, nil
}

// holdsImage asks for the digest of the whole, where what the partition begins
// with lets hope that it is the image's.
func (j *job) holdsImage(ctx context.Context, rom *device.ROM) (bool, error) {
	head := min(len(j.req.Image), len(j.seg.Head))
	if j.full || !rom.HasSHA256() || !bytes.Equal(j.seg.Head[:head], j.req.Image[:head]) {
		return false, nil
	}
	return holds(ctx, rom, 0, j.req.Image)
}

// holds tells whether the board's bytes from offset from on are those of want
// there: by its digest, or where it computes none, by reading them.
func holds(ctx context.Context, rom *device.ROM, from int64, want []byte) (bool, error) {
	n := int64(len(want)) - from
	if n <= 0 {
		return true, nil
	}
	if rom.HasSHA256() {
		sum, err := rom.Digest(ctx, from, n, nil)
		return sum == sha256.Sum256(want[from:]), err
	}
	got, err := rom.Read(ctx, from, n, nil)
	return bytes.Equal(got, want[from:]), err
}

// plan completes p: which pieces of the image are sent, and which are copied from
// what is on the board.
func (j *job) plan(ctx context.Context, rom *device.ROM, p *plan) error {
	p.group(j.b.Info.Largest / 2)
	known := contents{b: j.data}
	if p.buffer > 0 && !j.full && p.hashes != nil {
		behind, end, err := j.behind(ctx, rom, p)
		if err != nil {
			return err
		}
		known = recall(p, j.data, behind, end, j.req.Cache.images(), rom.Sum)
	}
	p.fill(j.data, known)
	if p.buffer == 0 || p.geo.Erasing == flash.ByWrite {
		return nil
	}
	err := rom.SetBuffer(ctx, p.buffer)
	if repl.OutOfMemory(err) {
		p.stream() // half of the heap, but not in one piece any more
		return nil
	}
	return err
}

// behind returns the digests of the blocks behind the new image's end, as far as
// an older, longer image reaches: what is there may move up.
func (j *job) behind(ctx context.Context, rom *device.ROM, p *plan) (hashes [][]byte, end int64, err error) {
	end = p.size
	if old, _, err := j.seg.Image(); err == nil {
		end = max(end, old)
	}
	if start := flash.RoundUp(p.size, p.block); start < end {
		hashes, err = rom.Hashes(ctx, start, end, p.block, keep, nil)
	}
	return hashes, end, err
}

// recall works out what is on the board, without reading it: from the images that
// were deployed before, the latest first, and the digests of the board's blocks,
// those up to the new image's end and those behind it up to end.
func recall(p *plan, image []byte, behind [][]byte, end int64, old iter.Seq[[]byte], sum func([]byte) []byte) contents {
	c := contents{b: make([]byte, flash.RoundUp(end, p.block))}
	var places []place
	for i := range p.blocks {
		from, to := p.span(i)
		if p.differs[i] {
			places = append(places, place{span{from, to}, p.hashes[i]})
			continue
		}
		copy(c.b[from:], image[from:to])
		c.known = append(c.known, span{from, to})
	}
	start := flash.RoundUp(p.size, p.block)
	for i, h := range behind {
		from := start + int64(i)*p.block
		places = append(places, place{span{from, min(from+p.block, end)}, h})
	}
	for image := range old {
		if len(places) == 0 {
			break
		}
		image = p.onFlash(image, len(c.b))
		places = slices.DeleteFunc(places, func(q place) bool {
			b := q.find(image, p.geo.Way, sum)
			if b == nil {
				return false
			}
			copy(c.b[q.from:q.to], b)
			c.known = append(c.known, q.span)
			return true
		})
	}
	// The header is gone before anything is copied.
	c.known = normalize(c.known, p.geo.Lost())
	return c
}

// onFlash returns what n bytes of flash hold after a deploy of image.
func (p *plan) onFlash(image []byte, n int) []byte {
	if len(image) >= n {
		return image
	}
	image = slices.Clip(image)
	if p.geo.Terminated(int64(len(image))) {
		image = append(image, 0)
	}
	return append(image, bytes.Repeat([]byte{0xff}, n-len(image))...)
}

// A place is a range of flash of which the digest is known.
type place struct {
	span
	hash []byte
}

// find returns the contents of the place, if it holds what an old image has
// there. A cut deploy leaves the first block without its magic.
func (q *place) find(old []byte, way flash.Way, sum func([]byte) []byte) []byte {
	candidates := [][]byte{old[q.from:q.to]}
	if q.from == 0 {
		candidates = append(candidates, flash.Before(way, old[:q.to]), flash.Invalidated(way, old[:q.to]))
	}
	for _, b := range candidates {
		if bytes.Equal(q.hash, sum(b)[:len(q.hash)]) {
			return b
		}
	}
	return nil
}

// normalize sorts spans, joins neighbours, and drops what lies before from.
func normalize(list []span, from int64) []span {
	slices.SortFunc(list, func(a, b span) int { return int(a.from - b.from) })
	var out []span
	for _, s := range list {
		s.from = max(s.from, from)
		if s.to <= s.from {
			continue
		}
		if k := len(out) - 1; k >= 0 && out[k].to >= s.from {
			out[k].to = max(out[k].to, s.to)
			continue
		}
		out = append(out, s)
	}
	return out
}

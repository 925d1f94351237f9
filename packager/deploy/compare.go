package deploy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"slices"

	"rules_romfs/packager/device"
	"rules_romfs/packager/repl"
	"rules_romfs/packager/report"
)

// keep is how many bytes of each block's digest the board sends. They only
// pick blocks; that the whole is right, a full SHA-256 shows.
const keep = 6

// minBlock is the smallest block that is compared, in bytes, where cells need
// no erase or a tiny one.
const minBlock = 4096

// A plan is what a deploy will do.
type plan struct {
	block   int64 // bytes
	blocks  int   // that the image takes
	changed int   // of them, blocks that differ
	groups  []*group
	buffer  int64 // RAM on the board that the largest group is put together in; 0: streamed
}

// erasing says how a partition's cells are prepared.
type erasing int

const (
	eachBlock erasing = iota // any block, by vfs.rom_ioctl
	byWrite                  // a block device: writing a block erases it
	fromStart                // only from the partition's first byte on
	never                    // cells that need no erase
)

func (d *deployer) erasing() erasing {
	switch {
	case d.seg.Kind == device.Blocks:
		return byWrite
	case d.medium.cells == overwritable:
		return never
	case d.seg.Erase > 0:
		return eachBlock
	}
	return fromStart
}

// blockSize is the unit in which the flash is compared and, where that can be,
// written.
func (d *deployer) blockSize() int64 {
	b := max(d.erase, 1)
	if b < minBlock && d.erasing() != byWrite {
		b = roundUp(minBlock, b)
	}
	return b
}

// compare finds out which blocks differ, and plans how to change them.
func (d *deployer) compare(ctx context.Context, rom *device.ROM) (*plan, error) {
	image, n := d.data, int64(len(d.data))
	p := &plan{block: d.blockSize()}
	p.blocks = int((n + p.block - 1) / p.block)
	task := d.Reporter.Task(d.b.Port+": comparing", n, report.Bytes)
	done := false
	defer func() {
		if !done {
			task.Fail(nil)
		}
	}()
	head := min(len(d.Image), len(d.seg.Head))
	if !d.Full && rom.HasSHA256() && bytes.Equal(d.seg.Head[:head], image[:head]) {
		sum, err := rom.Digest(ctx, 0, int64(len(d.Image)), nil)
		if err != nil {
			return nil, err
		}
		if sum == d.digest {
			task.Add(n)
			task.Done()
			done = true
			return p, nil
		}
	}
	changed := make([]bool, p.blocks)
	var hashes [][]byte
	if !d.Full || d.VerifyOnly {
		var err error
		if hashes, err = rom.Hashes(ctx, 0, n, p.block, keep, task.Add); err != nil {
			return nil, err
		}
	}
	for i := range changed {
		from, to := p.range_(i, n)
		changed[i] = hashes == nil || !bytes.Equal(hashes[i], rom.Sum(image[from:to])[:len(hashes[i])])
		if changed[i] {
			p.changed++
		}
	}
	if p.changed == 0 && !rom.HasSHA256() {
		// Checksums prove nothing.
		got, err := rom.Read(ctx, 0, n, nil)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(got, image) {
			p.changed, changed = p.blocks, slices.Repeat([]bool{true}, p.blocks)
		}
	} else if p.changed == 0 && hashes != nil {
		// All short digests agree. The heads may differ from what was read at
		// first, if this is a second attempt.
		sum, err := rom.Digest(ctx, 0, n, nil)
		if err != nil {
			return nil, err
		}
		if sum != sha256.Sum256(image) {
			p.changed, changed = p.blocks, slices.Repeat([]bool{true}, p.blocks)
		}
	}
	if p.changed > 0 && !d.VerifyOnly {
		if err := d.plan(ctx, rom, p, changed, hashes); err != nil {
			return nil, err
		}
	}
	task.Done()
	done = true
	return p, nil
}

// range_ returns where block i of an image of n bytes begins and ends.
func (p *plan) range_(i int, n int64) (from, to int64) {
	return int64(i) * p.block, min(int64(i+1)*p.block, n)
}

// plan makes the groups.
func (d *deployer) plan(ctx context.Context, rom *device.ROM, p *plan, changed []bool, hashes [][]byte) error {
	n := int64(len(d.data))
	if d.erasing() == fromStart {
		last := 0
		for i := range changed {
			if changed[i] {
				last = i
			}
		}
		length := n
		if d.erase > 0 {
			// The tail is kept: it is known where an erase ends.
			length = roundUp(min(int64(last+1)*p.block, n), d.erase)
		}
		p.groups = []*group{{off: 0, len: length, end: min(length, n)}}
	} else {
		for i := range changed {
			// The first block holds the header, which is invalid until the end.
			if changed[i] || i == 0 && d.erasing() != never {
				from, to := p.range_(i, n)
				p.groups = append(p.groups, &group{off: from, len: min(p.block, d.seg.Size-from), end: to})
			}
		}
	}
	largest := int64(0)
	for _, g := range p.groups {
		largest = max(largest, g.len, d.padded(g.end-g.off))
	}
	if largest <= int64(d.b.Info.Largest/2) || d.erasing() == byWrite {
		p.buffer = largest
	}
	known := contents{b: d.data}
	if p.buffer > 0 && !d.Full && hashes != nil {
		var err error
		if known, err = d.known(ctx, rom, p, changed, hashes); err != nil {
			return err
		}
	}
	x := newIndex(known)
	for _, g := range p.groups {
		g.pieces = x.pieces(d.data, g.off, g.end)
	}
	p.groups = order(p.groups)
	if d.erasing() == fromStart && p.groups[0].literal() == p.groups[0].end {
		p.buffer = 0 // nothing to copy: no need for so much RAM
	}
	if p.buffer > 0 && d.erasing() != byWrite {
		err := rom.SetBuffer(ctx, p.buffer)
		if repl.OutOfMemory(err) {
			// Half of the heap, but not in one piece any more.
			p.buffer = 0
			for _, g := range p.groups {
				g.pieces = []piece{{g.off, -1, g.end - g.off}}
			}
			return nil
		}
		return err
	}
	return nil
}

// known works out what is on the board, without reading it: from the images
// that were deployed before, and the digests of its blocks.
func (d *deployer) known(ctx context.Context, rom *device.ROM, p *plan, changed []bool, hashes [][]byte) (contents, error) {
	n := int64(len(d.data))
	// What an older, longer image has behind the new one's end may move up.
	end := n
	if old, _, err := d.seg.Image(); err == nil {
		end = max(end, old)
	}
	c := contents{b: make([]byte, roundUp(end, p.block))}
	type place struct {
		from, to int64
		hash     []byte
	}
	var places []place
	for i := range changed {
		from, to := p.range_(i, n)
		if changed[i] {
			places = append(places, place{from, to, hashes[i]})
			continue
		}
		copy(c.b[from:], d.data[from:to])
		c.known = append(c.known, span{from, to})
	}
	if start := roundUp(n, p.block); start < end {
		more, err := rom.Hashes(ctx, start, end, p.block, keep, nil)
		if err != nil {
			return c, err
		}
		for i, h := range more {
			from := start + int64(i)*p.block
			places = append(places, place{from, min(from+p.block, end), h})
		}
	}
	candidates := d.Cache.entries()
	for len(places) > 0 && len(candidates) > 0 {
		old := d.Cache.get(candidates[0])
		candidates = candidates[1:]
		if old == nil {
			continue
		}
		// Behind an image there are erased cells.
		if d.medium.cells == ecc && len(old) < len(c.b) {
			old = append(old, 0)
		}
		if short := int64(len(c.b) - len(old)); short > 0 {
			old = append(old, bytes.Repeat([]byte{0xff}, int(short))...)
		}
		var rest []place
		for _, q := range places {
			found := bytes.Equal(q.hash, rom.Sum(old[q.from:q.to])[:len(q.hash)])
			source := old
			if !found && q.from == 0 {
				// A cut deploy leaves the first block without its magic.
				for _, image := range [][]byte{d.medium.before(old[:q.to]), d.medium.invalidated(old[:q.to])} {
					if bytes.Equal(q.hash, rom.Sum(image)[:len(q.hash)]) {
						found, source = true, image
						break
					}
				}
			}
			if found {
				copy(c.b[q.from:q.to], source[q.from:q.to])
				c.known = append(c.known, span{q.from, q.to})
			} else {
				rest = append(rest, q)
			}
		}
		places = rest
	}
	// The header is gone before anything is copied.
	gone := max(magicSize, d.medium.hole())
	if d.medium.cells == ecc {
		gone = p.block
	}
	c.known = normalize(c.known, gone)
	return c, nil
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

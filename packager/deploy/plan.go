package deploy

import (
	"bytes"
	"cmp"
	"slices"

	"rules_romfs/packager/deploy/flash"
)

// A plan is what a deploy will do. Making one needs no board: the geometry, the
// image, digests of the flash and what is known of it.
type plan struct {
	geo   *flash.Geometry
	size  int64 // bytes of the image, and what must follow it
	block int64 // bytes

	blocks  int      // that the image takes
	hashes  [][]byte // what the board said of them; nil: it was not asked
	differs []bool   // by block
	changed int      // how many differ

	groups []*group
	buffer int64 // RAM on the board that the largest group is put together in; 0: streamed
}

// newPlan plans nothing yet for an image of size bytes. It counts in blocks of
// that many bytes, or in the geometry's if that is 0.
func newPlan(geo *flash.Geometry, size, block int64) *plan {
	p := &plan{geo: geo, size: size, block: cmp.Or(block, geo.Block())}
	p.blocks = int((size + p.block - 1) / p.block)
	p.differs = make([]bool, p.blocks)
	return p
}

// span returns where block i of the image begins and ends.
func (p *plan) span(i int) (from, to int64) {
	return int64(i) * p.block, min(int64(i+1)*p.block, p.size)
}

// mark notes which blocks of image differ from what the board said; if it was not
// asked, all do. sum is the board's digest.
func (p *plan) mark(image []byte, sum func([]byte) []byte) {
	if p.hashes == nil {
		p.markAll()
		return
	}
	for i := range p.differs {
		from, to := p.span(i)
		if p.differs[i] = !bytes.Equal(p.hashes[i], sum(image[from:to])[:len(p.hashes[i])]); p.differs[i] {
			p.changed++
		}
	}
}

func (p *plan) markAll() {
	p.changed, p.differs = p.blocks, slices.Repeat([]bool{true}, p.blocks)
}

// group makes the groups, and chooses the buffer, of at most so many bytes of RAM
// on the board.
func (p *plan) group(room int) {
	if p.geo.Erasing == flash.FromStart {
		p.groups = []*group{p.prefix()}
	} else {
		for i := range p.differs {
			// The first block holds the header, which is invalid until the end.
			if p.differs[i] || i == 0 && p.geo.Erasing != flash.Never {
				from, to := p.span(i)
				p.groups = append(p.groups, &group{off: from, len: min(p.block, p.geo.Size-from), end: to})
			}
		}
	}
	largest := int64(0)
	for _, g := range p.groups {
		largest = max(largest, g.len, p.geo.Padded(g.end-g.off))
	}
	if largest <= int64(room) || p.geo.Erasing == flash.ByWrite {
		p.buffer = largest
	}
}

// prefix is the one group of flash that is erased from the start only: up to the
// last block that differs. The tail is kept if it is known where an erase ends.
func (p *plan) prefix() *group {
	length := p.size
	if p.geo.Erase > 0 {
		last := 0
		for i := range p.differs {
			if p.differs[i] {
				last = i
			}
		}
		_, to := p.span(last)
		length = flash.RoundUp(to, p.geo.Erase)
	}
	return &group{off: 0, len: length, end: min(length, p.size)}
}

// fill says of what pieces the groups are made, and puts them in an order in
// which nothing is overwritten before it was copied.
func (p *plan) fill(image []byte, known contents) {
	x := newIndex(known)
	for _, g := range p.groups {
		g.pieces = x.pieces(image, g.off, g.end)
	}
	p.groups = order(p.groups)
	if p.geo.Erasing == flash.FromStart && p.groups[0].literal() == p.groups[0].end {
		p.buffer = 0 // nothing to copy: no need for so much RAM
	}
}

// stream makes a plan without a buffer of it: everything is sent.
func (p *plan) stream() {
	p.buffer = 0
	for _, g := range p.groups {
		g.pieces = []piece{{g.off, -1, g.end - g.off}}
	}
}

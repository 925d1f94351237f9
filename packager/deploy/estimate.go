package deploy

import "rules_romfs/packager/deploy/flash"

// A Cost is what a deploy would write.
type Cost struct {
	Block   int64   // bytes in which the flash is compared and written
	Blocks  int64   // that the image takes
	Differs []int64 // those that differ, by number
	Writes  int64   // blocks that would be written, differing or not
}

// Estimate plans a deploy of an image of size bytes without a board: differs
// tells whether the flash from one offset to another, a block that may begin
// behind the image, holds something else. block is the unit to count in, or 0
// for the one that a deploy compares.
func Estimate(geo flash.Geometry, size, block int64, differs func(from, to int64) (bool, error)) (Cost, error) {
	if geo.Terminated(size) {
		size++
	}
	if geo.Size == 0 { // not known: it fits
		geo.Size = flash.RoundUp(size, max(geo.Block(), block))
	}
	p := newPlan(&geo, size, block)
	c := Cost{Block: p.block, Blocks: int64(p.blocks)}
	for i := range p.differs {
		from, to := p.span(i)
		d, err := differs(from, to)
		if err != nil {
			return c, err
		}
		if d {
			p.differs[i] = true
			p.changed++
			c.Differs = append(c.Differs, int64(i))
		}
	}
	if p.changed == 0 {
		return c, nil
	}
	p.group(0)
	for _, g := range p.groups {
		c.Writes += (g.end - g.off + p.block - 1) / p.block
	}
	return c, nil
}

package flash

import "rules_romfs/packager/romfs"

// A Geometry is how one partition is erased and written.
type Geometry struct {
	Size     int64  // bytes
	Base     uint64 // address of its first byte; 0: not known
	WordBits int    // of the board's addresses

	Erase   int64 // bytes that one erase clears; 0: unknown
	Erasing Erasing
	Unit    int64 // bytes of the smallest write, and its alignment
	Way     Way

	Guessed  bool // neither a profile nor the port told
	ReadOnly bool // the firmware writes nothing there
}

// Erasing says how a partition's cells are prepared.
type Erasing int

// The ways to erase.
const (
	EachBlock Erasing = iota // any block, by vfs.rom_ioctl
	ByWrite                  // a block device: writing a block erases it
	FromStart                // only from the partition's first byte on
	Never                    // cells that need no erase
)

// minBlock is the smallest block that is compared, in bytes, where cells need
// no erase or a tiny one.
const minBlock = 4096

// Block is the unit in which the flash is compared and, where that can be,
// written.
func (g *Geometry) Block() int64 {
	b := max(g.Erase, 1)
	if b < minBlock && g.Erasing != ByWrite {
		b = RoundUp(minBlock, b)
	}
	return b
}

// Padded rounds a length up to whole writes.
func (g *Geometry) Padded(n int64) int64 { return RoundUp(n, g.Unit) }

// Lost is how many first bytes of what is there now are gone before anything is
// copied from it.
func (g *Geometry) Lost() int64 {
	if g.Way.Invalidate([]byte(romfs.Magic)) == nil {
		return g.Block()
	}
	return g.Way.Hole().Size
}

// Terminated tells whether a zero follows an image of n bytes: an unused record,
// at which the driver stops, so that an image whose length reads too long shows
// nothing more. It is for flash of which the commit holds the length, and may
// tear it.
func (g *Geometry) Terminated(n int64) bool {
	torn := g.Way.Tears()
	return torn > 0 && n >= torn && RoundUp(g.Padded(n+1), max(g.Erase, 1)) <= g.Size
}

// Tears tells what a board may mount if the power is cut within the very last
// write of image.
func (g *Geometry) Tears(image []byte) romfs.Torn {
	torn := g.Way.Tears()
	if torn == 0 {
		return romfs.Torn{}
	}
	return romfs.TornCommit(image, int64(len(image)), romfs.Commit{Base: g.Base, Size: g.Size, Unit: int(torn),
		WordBits: g.WordBits, Terminated: g.Terminated(int64(len(image)))})
}

// WithUnit is g for firmware that writes so many bytes at a time, more than was
// known. A word of them may be one that is programmed once, unless it is known
// that it is not.
func (g Geometry) WithUnit(unit int64) Geometry {
	g.Unit = unit
	switch w := g.Way.(type) {
	case NOR:
		g.Way = NOR{unit}
		if g.Guessed {
			g.Way = ECC{unit}
		}
	case Twice:
		g.Way = Twice{NOR{unit}}
	case ECC:
		g.Way = ECC{unit}
	case Overwritten:
		g.Way = Overwritten{unit}
	case Rewritten:
		g.Way = Rewritten{unit, w.Block}
	}
	return g
}

// Once is g for flash that refuses to program again what is programmed.
func (g Geometry) Once() Geometry {
	g.Way = ECC{g.Unit}
	return g
}

// RoundUp rounds n up to a multiple of unit.
func RoundUp(n, unit int64) int64 { return (n + unit - 1) / unit * unit }

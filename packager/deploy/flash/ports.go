package flash

import (
	"strings"

	"rules_romfs/packager/board"
)

// Facts are what is known of a partition and of the board that it is on.
type Facts struct {
	Platform string // sys.platform
	Machine  string // sys.implementation._machine
	WordBits int

	Kind    board.SegmentKind
	Size    int64            // bytes
	Erase   int64            // as the firmware says it; 0: it does not
	Profile *board.Partition // nil: not known
}

// traits are how a port writes.
type traits struct {
	medium board.Medium
	unit   int64 // bytes of the smallest write
}

// A port is one row of the table.
type port struct {
	name   string
	match  func(f *Facts) bool
	traits traits
}

// ports is the table. The first row that matches counts, where no profile says
// what the partition is.
var ports = []port{
	// rp2 programs pages of 256 bytes, the others take them too.
	{"a block device", func(f *Facts) bool { return f.Kind == board.BlockDevice }, traits{board.NOR, 256}},
	{"alif, MRAM", func(f *Facts) bool { return f.Platform == "alif" && f.Erase == 16 }, traits{board.MRAM, 16}},
	// Perhaps internal flash, or not known: it reports 16 but programs words of 32.
	{"stm32 H7", func(f *Facts) bool { return strings.Contains(f.Machine, "STM32H7") && f.Erase != 4096 }, traits{board.ECC, 32}},
	{"stm32", func(f *Facts) bool { return f.Platform == "pyboard" && f.Erase != 4096 }, traits{board.NOR, 16}},
	{"any other", func(*Facts) bool { return true }, traits{board.NOR, 4}},
}

// Of works out the geometry. The profile knows; without one the port, the kind of
// segment and the erase unit tell.
func Of(f Facts) Geometry {
	g := Geometry{Size: f.Size, WordBits: f.WordBits, Erase: f.Erase}
	var t traits
	p := f.Profile
	if p != nil && p.Medium != "" && p.Write > 0 {
		t = traits{p.Medium, max(p.Write, 4)} // the magic in one write
	} else {
		t = byPort(&f)
	}
	if p != nil {
		// A simulated board has 64 bits, but stands for one that has 32.
		g.Base, g.WordBits = p.Base, 32
		if g.Erase == 0 && p.Erase > 1 {
			g.Erase = p.Erase
		}
	}
	g.Unit = t.unit
	switch {
	case t.medium.Overwrites():
		g.Way = Overwritten{t.unit}
	case t.medium == board.ECC:
		g.Way = ECC{t.unit}
	default:
		g.Way = NOR{t.unit}
	}
	switch {
	case f.Kind == board.BlockDevice:
		g.Erasing = ByWrite
	case t.medium.Overwrites():
		g.Erasing = Never
	case f.Erase > 0:
		g.Erasing = EachBlock
	default:
		g.Erasing = FromStart
	}
	return g
}

func byPort(f *Facts) traits {
	for _, p := range ports {
		if p.match(f) {
			return p.traits
		}
	}
	panic("the last row matches everything")
}

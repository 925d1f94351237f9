package deploy

import (
	"bytes"
	"strings"

	"rules_romfs/packager/board"
	"rules_romfs/packager/device"
	"rules_romfs/packager/romfs"
)

// A cellKind is what a partition's cells are.
type cellKind int

const (
	// nor: programming clears bits, byte by byte if need be; bytes programmed
	// as 0xff stay as they were. Serial NOR, and internal flash without ECC.
	nor cellKind = iota
	// ecc: a word can be programmed once between erases.
	ecc
	// overwritable: cells take any value at any time, without an erase. MRAM,
	// and the RAM of emulated machines.
	overwritable
)

// A medium says how the commit is made so that no cut of power, at whatever
// moment of whatever operation, leaves an image that mounts but is not whole.
type medium struct {
	cells cellKind
	unit  int64 // bytes of the smallest write

	// careless makes the commit write so many first bytes of the image at
	// once, as if the header block were merely written last. Only a test sets
	// it, to show that the power-cut sweep notices.
	careless int64
}

// magicSize is the length of the magic. Without it the driver mounts nothing.
const magicSize = int64(len(romfs.Magic))

// mediumOf finds out the medium. The profile knows; without one the port, the
// kind of segment and the erase unit tell.
func mediumOf(info *device.Info, seg device.Segment, p *board.Partition) medium {
	m := medium{cells: nor, unit: 4}
	if p != nil && p.Medium != "" && p.Write > 0 {
		m.unit = max(p.Write, 4) // the magic in one write
		switch p.Medium {
		case "ecc":
			m.cells = ecc
		case "mram", "ram":
			m.cells = overwritable
		}
		return m
	}
	switch {
	case seg.Kind == device.Blocks:
		// rp2 programs pages of 256 bytes, the others take them too.
		m.unit = 256
	case info.Platform == "alif" && seg.Erase == 16:
		m.cells, m.unit = overwritable, 16
	case strings.Contains(info.Machine, "STM32H7") && seg.Erase != 4096:
		// Perhaps internal flash, or not known: it reports 16 but programs words of 32.
		m.cells, m.unit = ecc, 32
	case info.Platform == "pyboard" && seg.Erase != 4096:
		m.unit = 16
	}
	return m
}

// The commit. Until it, these are the first bytes of the partition:
//
//	nor           ff ff ff, then the final bytes. The commit programs the magic,
//	              and around it what is there already, which stays as it is.
//	              Torn bit by bit, the magic is not complete, so nothing mounts;
//	              the length and what follows it were there before.
//	overwritable  00 00 00, then the final bytes. The commit writes the whole
//	              unit, of which only the magic changes.
//	ecc           a whole erased unit, because its one programming must hold all
//	              of it: the magic, the length, and what else fits. Here the
//	              image must help: romfs.TornCommit tells whether it does.

// hole returns how many first bytes of the image are missing before the
// commit.
func (m medium) hole() int64 {
	if m.careless > 0 {
		return m.careless
	}
	if m.cells == ecc {
		return m.unit
	}
	return magicSize
}

// before returns what the first bytes of the partition are before the commit:
// the image's, with the hole.
func (m medium) before(image []byte) []byte {
	b := bytes.Clone(image)
	fill := byte(0xff)
	if m.cells == overwritable {
		fill = 0
	}
	for i := range min(m.hole(), int64(len(b))) {
		b[i] = fill
	}
	return b
}

// commit returns the bytes to program at offset 0 to commit image.
func (m medium) commit(image []byte) []byte {
	b := bytes.Repeat([]byte{0xff}, int(max(m.unit, m.careless)))
	copy(b, image)
	return b
}

// invalidate returns the bytes to program at offset 0 so that the image that
// begins with head, one unit, no longer mounts, or nil where only an erase can
// do that. Only the magic changes: a length that lost bits before the magic
// does would make another image of it.
func (m medium) invalidate(head []byte) []byte {
	if m.cells == ecc {
		return nil
	}
	return m.invalidated(head)
}

// invalidated returns what the first bytes of an image are after invalidate.
func (m medium) invalidated(image []byte) []byte {
	b := bytes.Clone(image)
	if m.cells != ecc {
		copy(b, make([]byte, min(magicSize, int64(len(b)))))
	}
	return b
}

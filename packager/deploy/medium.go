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
}

// magicSize is the length of the magic. Without it the driver mounts nothing.
const magicSize = int64(len(romfs.Magic))

// mediumOf finds out the medium. The profile knows; without one the port, the
// kind of segment and the erase unit tell.
func mediumOf(info *device.Info, seg device.Segment, p *board.Partition) medium {
	m := medium{nor, 4}
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
		m = medium{overwritable, 16}
	case strings.Contains(info.Machine, "STM32H7") && seg.Erase != 4096:
		// Internal flash, or not known: it reports 16 but programs words of 32.
		m = medium{ecc, 32}
	case info.Platform == "pyboard" && seg.Erase != 4096:
		m.unit = 16
	}
	return m
}

// The commit. Until it, these are the first bytes of the partition:
//
//	nor           ff ff ff, then the final bytes. The commit programs the magic
//	              alone, over 0xff, in a unit of 0xff else. Torn bit by bit, the
//	              magic is not complete, so nothing mounts: the length and what
//	              follows it were there before.
//	overwritable  00 00 00, then the final bytes. The commit writes the whole
//	              unit, of which only the magic changes.
//	ecc           a whole erased unit, because its one programming must hold all
//	              of it: the magic, the length, and what else fits. Here the
//	              image must help (romfs.CommitTears finds images that do not).

// hole returns how many first bytes of the image are missing before the
// commit.
func (m medium) hole() int64 {
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
	b := bytes.Repeat([]byte{0xff}, int(m.unit))
	if m.cells == nor {
		copy(b, image[:magicSize])
	} else {
		copy(b, image)
	}
	return b
}

// invalidate returns the bytes to program at offset 0 so that the image that
// begins with head no longer mounts, or nil where only an erase can do that.
// The rest of the unit stays as it is: a length that loses bits before the
// magic does would make another image of it.
func (m medium) invalidate(head []byte) []byte {
	b := bytes.Repeat([]byte{0xff}, int(m.unit))
	switch m.cells {
	case ecc:
		return nil
	case overwritable:
		copy(b, head)
	}
	copy(b, make([]byte, magicSize))
	return b
}

// invalidated returns what the first bytes of an image are after invalidate.
func (m medium) invalidated(image []byte) []byte {
	b := bytes.Clone(image)
	if m.cells != ecc {
		copy(b, make([]byte, min(magicSize, int64(len(b)))))
	}
	return b
}

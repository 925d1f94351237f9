package emulator

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"time"
)

// Cells are what the partition lies in.
type Cells uint32

// The kinds of cells, as firmware/board.h numbers them.
const (
	NOR       Cells = iota // erased to ones; a program clears bits, page by page
	Once                   // NOR whose units are programmed once after an erase
	Rewritten              // each program erases its blocks and programs them anew
	MRAM                   // written in place, and not erased
	ReadOnly               // refuses both
)

// A Segment is how vfs.rom_ioctl shows the partition.
type Segment uint32

// The kinds of segments, as firmware/board.h numbers them.
const (
	None Segment = iota
	Memoryview
	Blocks // a block device, of erase units
)

// Options choose a board. Sizes are in bytes; what is 0 has the value that is
// named here.
type Options struct {
	Heap    uint32  // 128 KiB
	Ring    uint32  // of input: 512
	Drops   bool    // input is lost when the ring is full; else the sender waits
	Segment Segment // Memoryview, unless NoROM
	NoROM   bool
	Cells   Cells
	Size    uint32 // of the partition: 128 KiB
	Erase   uint32 // unit: 4096
	Write   uint32 // unit: 4
	Block   uint32 // what Rewritten cells are rewritten in: 8192
	Report  uint32 // the unit of writing that op 3 tells: Write
	NoOp6   bool   // firmware up to 1.28

	EraseTime, ProgramTime time.Duration // of a unit; of a page, or a unit of Once
	Deaf                   bool          // no interrupts meanwhile
	DeafToC                bool          // Ctrl-C does not interrupt a program

	ID    uint64
	Image []byte            // what the partition holds at first; else it is erased
	Files map[string]string // of /flash, at first
}

// settings is settings_t of firmware/board.h.
type settings struct {
	Magic, Heap, Ring, Drops, Segment, Size, Cells, Erase, Write, Block, Reported, Op6, EraseUs, ProgramUs, Deaf, Loaded, DeafToC uint32
	ID                                                                                                                            [2]uint32
}

// Counters is counters_t of firmware/board.h: what happened on a board since it
// was new. Those from Bad on are of what no careful driver does.
type Counters struct {
	Magic, Cause, Boots, Steps, Busy, Erases, Programs, Programmed, Received, Lost, Unheard uint32
	Bad, Twice, Unaligned, Outside, Source                                                  uint32
}

// Violations is how often something was done that no careful driver does.
func (c *Counters) Violations() uint32 {
	return c.Bad + c.Twice + c.Unaligned + c.Outside + c.Source
}

const magic = 0x524d4631

// The PSRAM, and what lies in it, as firmware/board.h has it.
const (
	memory     = 0x21000000
	memorySize = 16 << 20
	settingsAt = 0x21f00000
	countersAt = 0x21f01000
	filesAt    = 0x21f10000
)

func word(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// withDefaults returns o with nothing left open.
func (o Options) withDefaults() Options {
	o.Heap = cmp.Or(o.Heap, 128<<10)
	o.Ring = cmp.Or(o.Ring, 512)
	o.Size = cmp.Or(o.Size, 128<<10)
	o.Erase = cmp.Or(o.Erase, 4096)
	o.Write = cmp.Or(o.Write, 4)
	o.Block = cmp.Or(o.Block, 8192)
	o.Report = cmp.Or(o.Report, o.Write)
	if !o.NoROM {
		o.Segment = cmp.Or(o.Segment, Memoryview)
	}
	return o
}

// settings returns the words that choose the board.
func (o *Options) settings() []byte {
	s := settings{
		Magic: magic, Heap: o.Heap, Ring: o.Ring, Drops: word(o.Drops), Segment: uint32(o.Segment),
		Size: o.Size, Cells: uint32(o.Cells), Erase: o.Erase, Write: o.Write, Block: o.Block, Reported: o.Report, Op6: word(!o.NoOp6),
		EraseUs: uint32(o.EraseTime.Microseconds()), ProgramUs: uint32(o.ProgramTime.Microseconds()), Deaf: word(o.Deaf),
		Loaded: word(o.Image != nil), DeafToC: word(o.DeafToC), ID: [2]uint32{uint32(o.ID), uint32(o.ID >> 32)},
	}
	b, err := binary.Append(nil, binary.LittleEndian, &s)
	if err != nil {
		panic(err) // it has a fixed size
	}
	return b
}

// files returns the files of /flash as firmware/disk.c reads them.
func (o *Options) files() []byte {
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(o.Files)) {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(name)))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(o.Files[name])))
		b = append(append(b, name...), o.Files[name]...)
	}
	return append(b, make([]byte, 8)...)
}

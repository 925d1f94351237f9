package simboard

import (
	"fmt"
	"time"
)

// A Medium is what a partition's cells are.
type Medium int

// The media.
const (
	NOR  Medium = iota // programs clear bits, erases set them; 256-byte pages; serial NOR
	ECC                // NOR whose write units carry ECC and can be programmed once per erase; internal flash
	MRAM               // overwritten in place; an erase does nothing
	RAM                // overwritten in place, an erase sets 0xff (emulated machines)
)

func (m Medium) overwrites() bool { return m == MRAM || m == RAM }

// A Generation is how a firmware's rom_ioctl treats erases.
type Generation int

// The generations.
const (
	Current Generation = iota // op 6 and the 4-argument prepare: stm32, alif, samd after 1.28
	Old                       // no op 6; a fourth argument is ignored, so that the offset is taken for the length: up to 1.28
)

// A Partition is one ROM partition of the board.
type Partition struct {
	Name        string
	Size        int64 // bytes; 0: the segment exists and holds nothing
	Erase       int64 // bytes of an erase block
	Write       int64 // bytes of the smallest write
	BlockDevice bool  // the segment is a block device, not a memoryview
	Medium      Medium
	ReadOnly    bool // ops 3 to 6 say -22, as on qemu
}

// Options describe a board. The zero value is a board with one partition of
// 1 MiB of NOR flash, current firmware, and a perfect link.
type Options struct {
	Partitions []Partition // nil: the default one; empty: no ROM partitions
	NoROM      bool        // the firmware has no rom_ioctl at all
	Generation Generation
	Machine    string // sys.implementation._machine
	MPY        int    // sys.implementation._mpy
	Release    string // "1.29.0"
	Platform   string // sys.platform
	Serial     string // USB serial number and machine.unique_id(), hex

	Flash       string            // file of the flash contents, made if missing; "": a temporary one
	Files       map[string]string // files of /flash: boot.py, main.py, ...
	Interpreter string            // MicroPython with VfsRom; "": $ROMFS_MICROPYTHON, then micropython on PATH
	Listen      string            // loopback address of the TCP port; "": 127.0.0.1 and any free port
	Link        string            // path of a symlink to the pty, kept up to date; "": none
	Seed        uint64            // of everything random
	RecordFlash bool              // keep a FlashLog
	Cut         *Cut              // power off in a flash step

	Faults Faults
}

// Faults are the ways in which boards and links misbehave.
type Faults struct {
	Baud     int           // bits a second on the link, 10 a byte; 0: no limit
	Latency  time.Duration // each way
	RawPaste RawPaste
	Window   int // raw-paste window, bytes; 0: 128
	Ring     int // bytes of the receive ring; 0: 4096
	Drop     bool
	Heap     int // bytes of free heap at the prompt; 0: 16 MiB
	Missing  []string
}

// RawPaste is how the REPL answers a request for raw-paste mode.
type RawPaste int

// The ways.
const (
	PasteOn      RawPaste = iota
	PasteRefused          // answers R 00: understood, not supported
	PasteUnknown          // knows nothing of it, as before 1.14
)

func (o *Options) setDefaults() error {
	if o.Partitions == nil {
		o.Partitions = []Partition{{Name: "romfs0", Size: 1 << 20, Erase: 4096, Write: 4}}
	}
	def := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	def(&o.Machine, "Simulated board with unix MicroPython")
	def(&o.Release, "1.29.0")
	def(&o.Platform, "sim")
	def(&o.Serial, "53494d0000000001")
	def(&o.Listen, "127.0.0.1:0")
	if o.MPY == 0 {
		o.MPY = 0xb06
	}
	if o.Faults.Window == 0 {
		o.Faults.Window = 128
	}
	if o.Faults.Ring == 0 {
		o.Faults.Ring = 4096
	}
	for i, p := range o.Partitions {
		if p.Size < 0 || p.Size > 1<<31-1 {
			return fmt.Errorf("partition %d has %d bytes; a board's has 0 to 2 GiB", i, p.Size)
		}
		if p.Erase <= 0 || p.Write <= 0 || p.Write > p.Erase {
			return fmt.Errorf("partition %d: erase unit %d, write unit %d: both must be positive, and the write unit the smaller", i, p.Erase, p.Write)
		}
	}
	return nil
}

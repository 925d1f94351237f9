package simboard

import (
	"fmt"
	"slices"
	"strings"

	"rules_romfs/packager/board"
	"rules_romfs/packager/mpy"
	"rules_romfs/packager/simboard/drivers"
)

// A Generation is how a firmware's rom_ioctl treats erases.
type Generation int

// The generations.
const (
	Current Generation = iota // op 6 and the 4-argument prepare: stm32, alif and samd after 1.28
	Old                       // no op 6; a fourth argument is ignored, so that the offset is taken for the length: up to 1.28
)

// A Partition is one ROM partition of the board.
type Partition struct {
	Name   string
	Driver string // how its port writes it: a name of package drivers; "": drivers.Default
	Base   uint64 // address that uctypes.addressof shows, a multiple of 4096; 0: any
	Size   int64  // bytes; 0: the segment exists and holds nothing
	Erase  int64  // bytes of an erase block; 0: the driver's
}

// Options describe a board. The zero value is a board with one partition of
// 1 MiB of serial NOR, current firmware, and a perfect link.
type Options struct {
	Board      *board.Profile // sets Partitions, Machine, MPY and Platform where they are unset
	Partitions []Partition    // nil: Board's, or the default one; empty: op 1 says 0
	Driver     string         // of the partitions that are Board's or the default one; "": Board's port's
	NoROM      bool           // the firmware has no rom_ioctl at all
	Generation Generation
	Machine    string // sys.implementation._machine
	MPY        int    // sys.implementation._mpy
	Release    string // MicroPython's version, as in "1.29.0"
	Platform   string // sys.platform
	Serial     string // USB serial number and machine.unique_id(), hex digits

	Flash       string             // file of the flash contents, made if missing; "": a temporary one
	Files       map[string]string  // files of /flash by name: boot.py, main.py, lib/x.py
	Stubs       []string           // directories of modules that stand in for the board's hardware; on sys.path behind everything else
	Interpreter string             // MicroPython with VfsRom; "": $ROMFS_MICROPYTHON, then micropython on PATH
	Listen      string             // loopback address of a TCP port, as 127.0.0.1:0 for a free one; "": none
	Link        string             // path of a symlink to the pty, kept up to date; "": none
	Seed        uint64             // of everything random
	RecordFlash bool               // record a FlashLog from the start
	Notify      func(event string) // told in words of boots, resets and power cuts; must not block

	Faults Faults
}

// An OptionError says which options a board cannot have.
type OptionError struct{ Problem string }

func (e *OptionError) Error() string { return "simulated board: " + e.Problem }

func optionError(format string, args ...any) error {
	return &OptionError{fmt.Sprintf(format, args...)}
}

// setDefaults fills in what is unset and checks the rest.
func (o *Options) setDefaults() error {
	if err := o.takeProfile(); err != nil {
		return err
	}
	if o.Partitions == nil {
		o.Partitions = []Partition{{Name: "romfs0", Driver: o.Driver, Size: 1 << 20}}
	}
	if err := o.takeDriver(); err != nil {
		return err
	}
	setDefault(&o.Machine, "Simulated board with unix MicroPython")
	setDefault(&o.Release, "1.29.0")
	setDefault(&o.Platform, "sim")
	setDefault(&o.Serial, "53494d0000000001")
	setDefault(&o.MPY, 6|3<<8|int(mpy.ArchX64)<<10)
	if o.Notify == nil {
		o.Notify = func(string) {}
	}
	o.Partitions = slices.Clone(o.Partitions)
	for i := range o.Partitions {
		p := &o.Partitions[i]
		d, err := drivers.Lookup(p.Driver)
		if err != nil {
			return optionError("partition %d: %v", i, err)
		}
		p.Driver = d.Name
		setDefault(&p.Erase, d.Erase)
		switch {
		case p.Size < 0 || p.Size > 1<<31-1:
			return optionError("partition %d has %d bytes; a board's has 0 to 2 GiB", i, p.Size)
		case p.Erase <= 0 || p.Erase%d.Cells.Word != 0:
			return optionError("partition %d: erase unit %d: it must be a positive multiple of %s's word, %d bytes", i, p.Erase, d.Name, d.Cells.Word)
		case p.Base%4096 != 0:
			return optionError("partition %d: base %#x is no multiple of 4096", i, p.Base)
		}
	}
	return o.Faults.check()
}

func setDefault[T comparable](p *T, value T) {
	var zero T
	if *p == zero {
		*p = value
	}
}

// takeProfile takes from the board profile what the options leave open.
func (o *Options) takeProfile() error {
	p := o.Board
	if p == nil {
		return nil
	}
	setDefault(&o.Machine, machineOf(p))
	setDefault(&o.Platform, drivers.Platform(o.Machine))
	if abis := p.MPY.ABIs(6, 3); o.MPY == 0 && len(abis) > 0 {
		o.MPY = int(abis[0].Version) | int(abis[0].SubVersion)<<8 | int(abis[0].Arch)<<10 | int(abis[0].ArchFlags)<<16
	}
	if p.NoROM != "" {
		o.NoROM = true
		setNil(&o.Partitions)
		return nil
	}
	if o.Partitions != nil {
		return nil
	}
	setNil(&o.Partitions)
	for i := range p.Partitions {
		part, err := fromProfile(p, &p.Partitions[i])
		if err != nil {
			return err
		}
		if o.Driver != "" { // the profile's erase unit is another port's
			part.Driver, part.Erase = o.Driver, 0
		}
		o.Partitions = append(o.Partitions, part)
	}
	return nil
}

// takeDriver lets a board without a profile be one of the port whose driver its
// first partition names.
func (o *Options) takeDriver() error {
	if o.Board != nil || len(o.Partitions) == 0 || o.Partitions[0].Driver == "" {
		return nil
	}
	d, err := drivers.Lookup(o.Partitions[0].Driver)
	if err != nil {
		return optionError("%v", err)
	}
	setDefault(&o.Machine, "Simulated board with "+d.Chip)
	setDefault(&o.Platform, d.Platform)
	return nil
}

// setNil makes a nil list an empty one, which asks for no partitions.
func setNil(p *[]Partition) {
	if *p == nil {
		*p = []Partition{}
	}
}

// fromProfile gives a profile's partition the driver of its port.
func fromProfile(b *board.Profile, p *board.Partition) (Partition, error) {
	if p.Size == 0 {
		return Partition{}, optionError("board %s: the size of partition %s is the firmware builder's choice; give one (--partition-size 256KiB, or sim:%s?size=256KiB)", b.ID, p.Name, b.ID)
	}
	return Partition{Name: p.Name, Driver: drivers.For(machineOf(b), p).Name, Base: p.Base, Size: p.Size, Erase: p.Erase}, nil
}

// machineOf is a sys.implementation._machine that the profile's first pattern matches.
func machineOf(p *board.Profile) string {
	if len(p.Machines) == 0 {
		return p.Name
	}
	m := p.Machines[0]
	if rest, ok := strings.CutPrefix(m, "* "); ok {
		m = "Simulated " + p.ID + " " + rest
	}
	return strings.ReplaceAll(m, "*", "")
}

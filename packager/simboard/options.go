package simboard

import (
	"fmt"
	"strings"

	"rules_romfs/packager/board"
	"rules_romfs/packager/mpy"
)

// A Medium is what a partition's cells are.
type Medium int

// The media.
const (
	NOR  Medium = iota // programs clear bits, erases set them; 256-byte pages; serial NOR
	ECC                // write units carry ECC and can be programmed once per erase; internal flash
	MRAM               // overwritten in place; an erase does nothing
	RAM                // overwritten in place, an erase sets 0xff; emulated machines
)

// overwrites says whether programming replaces what was there.
func (m Medium) overwrites() bool { return m == MRAM || m == RAM }

// A Generation is how a firmware's rom_ioctl treats erases.
type Generation int

// The generations.
const (
	Current Generation = iota // op 6 and the 4-argument prepare: stm32, alif and samd after 1.28
	Old                       // no op 6; a fourth argument is ignored, so that the offset is taken for the length: up to 1.28
)

// A Partition is one ROM partition of the board.
type Partition struct {
	Name        string
	Base        uint64 // address that uctypes.addressof shows, a multiple of 4096; 0: any
	Size        int64  // bytes; 0: the segment exists and holds nothing
	Erase       int64  // bytes of an erase block
	Write       int64  // bytes of the smallest write
	Medium      Medium
	BlockDevice bool // the segment is a block device, not a memoryview
	ReadOnly    bool // ops 3 to 6 return -22, as on qemu
	NoEraseUnit bool // op 6 returns -22 and prepare takes no offset, whatever the generation
	NoRange     bool // prepare and write check no range: what lies behind is hit, as on esp8266, renesas-ra and samd
}

// Options describe a board. The zero value is a board with one partition of
// 1 MiB of serial NOR, current firmware, and a perfect link.
type Options struct {
	Board      *board.Profile // sets Partitions, Machine, MPY and Platform where they are unset
	Partitions []Partition    // nil: Board's, or the default one; empty: op 1 says 0
	NoROM      bool           // the firmware has no rom_ioctl at all
	Generation Generation
	Machine    string // sys.implementation._machine
	MPY        int    // sys.implementation._mpy
	Release    string // MicroPython's version, as in "1.29.0"
	Platform   string // sys.platform
	Serial     string // USB serial number and machine.unique_id(), hex digits

	Flash       string             // file of the flash contents, made if missing; "": a temporary one
	Files       map[string]string  // files of /flash by name: boot.py, main.py, lib/x.py
	Interpreter string             // MicroPython with VfsRom; "": $ROMFS_MICROPYTHON, then micropython on PATH
	Listen      string             // loopback address of the TCP port; "": 127.0.0.1 and a free port
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
		o.Partitions = []Partition{{Name: "romfs0", Size: 1 << 20, Erase: 4096, Write: 4}}
	}
	setDefault(&o.Machine, "Simulated board with unix MicroPython")
	setDefault(&o.Release, "1.29.0")
	setDefault(&o.Platform, "sim")
	setDefault(&o.Serial, "53494d0000000001")
	setDefault(&o.Listen, "127.0.0.1:0")
	setDefault(&o.MPY, 6|3<<8|int(mpy.ArchX64)<<10)
	if o.Notify == nil {
		o.Notify = func(string) {}
	}
	for i, p := range o.Partitions {
		switch {
		case p.Size < 0 || p.Size > 1<<31-1:
			return optionError("partition %d has %d bytes; a board's has 0 to 2 GiB", i, p.Size)
		case p.Erase <= 0 || p.Write <= 0 || p.Write > p.Erase:
			return optionError("partition %d: erase unit %d, write unit %d: both must be positive, and the write unit not the larger", i, p.Erase, p.Write)
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
	setDefault(&o.Platform, platformOf(o.Machine))
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
		o.Partitions = append(o.Partitions, part)
	}
	return nil
}

// setNil makes a nil list an empty one, which asks for no partitions.
func setNil(p *[]Partition) {
	if *p == nil {
		*p = []Partition{}
	}
}

// fromProfile gives a profile's partition the behaviour of its port's driver.
func fromProfile(b *board.Profile, p *board.Partition) (Partition, error) {
	if p.Size == 0 {
		return Partition{}, optionError("board %s: the size of partition %s is the firmware builder's choice; give one (--partition-size 256KiB, or sim:%s?size=256KiB)", b.ID, p.Name, b.ID)
	}
	q := Partition{Name: p.Name, Base: p.Base, Size: p.Size, Erase: p.Erase, Write: p.Write, BlockDevice: p.Segment == board.BlockDevice, ReadOnly: p.ReadOnly}
	q.Medium = map[board.Medium]Medium{board.NOR: NOR, board.ECC: ECC, board.MRAM: MRAM, board.RAM: RAM}[p.Medium]
	setDefault(&q.Write, 4)
	setDefault(&q.Erase, max(4096, q.Write)) // unknown to the profile
	switch platformOf(machineOf(b)) {
	case "esp8266", "renesas-ra":
		q.NoEraseUnit, q.NoRange = true, true
	case "samd":
		q.NoRange = true
	}
	if b.ID == "weact-h723" { // stm32's op 6 forgets OSPI flash
		q.NoEraseUnit = true
	}
	return q, nil
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

// platformOf is the sys.platform of the port that a machine runs.
func platformOf(machine string) string {
	for _, port := range []struct{ mark, platform string }{
		{"ESP8266", "esp8266"}, {"ESP32", "esp32"}, {"RP2", "rp2"}, {"MIMXRT", "mimxrt"}, {"SAMD", "samd"},
		{"NRF", "nrf52"}, {"nRF", "nrf52"}, {"with RA", "renesas-ra"}, {"with AE", "alif"}, {"STM32", "pyboard"}, {"Cortex", "qemu"}, {"virt", "qemu"},
	} {
		if strings.Contains(machine, port.mark) {
			return port.platform
		}
	}
	return "sim"
}

// Package board knows the boards: their ROM partitions, what their firmware
// demands of .mpy files and of the alignment of data, and how they are found
// and programmed.
//
// A [Profile] is one board. [Builtin] holds those that come with the tool, one
// YAML file each; users write their own in the same form and give its path
// wherever an id is taken ([Lookup]). A profile states facts of the hardware
// and of its firmware's memory map; nothing in here talks to a board.
package board

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"rules_romfs/internal/pattern"
	"rules_romfs/packager/mpy"
)

// A Profile describes one board, or one family of them whose partition sizes
// the user gives.
type Profile struct {
	ID         string      // "openmv-n6"
	Name       string      // "OpenMV N6"
	Machines   []string    // sys.implementation._machine of its firmware; path.Match patterns
	MPY        MPY         // what its .mpy loader accepts
	Partitions []Partition // in order of index; empty if NoROM says why
	Align      []AlignRule // first match wins; by destination
	USB        []USBID     // how it shows up on USB
	UF2        []UF2Family // its chip; of a family of boards, any of them
	Flash      []Range     // where its memories for programs are; empty: not known
	NoROM      string      // reason why the board has no ROM partition; "" if it has
	OpenMV     bool        // OpenMV's tools are used on it: they lose deduplicated files
	Key        string      // file of the public key by which images for the board have to be signed; "": none
	File       string      // where the profile was read from; "" for a builtin one
}

// MPY says which .mpy files the board's firmware loads.
type MPY struct {
	Arch         string   // native architecture as mpy-cross names it; "none": bytecode only; "": a family with several
	Archs        []string // all architectures of the family, or Arch alone
	ArchFlags    []string // extensions of rv32imc: "zba", "zcmp"
	SmallIntBits int      // bits of the firmware's small integers
}

// ABIs returns what the firmware's loader accepts, for a .mpy version such as
// 6.3: one ABI for each architecture of the family.
func (m MPY) ABIs(version, subVersion uint8) []mpy.ABI {
	abis := make([]mpy.ABI, len(m.Archs))
	for i, name := range m.Archs {
		arch, err := mpy.ParseArch(name)
		if err != nil {
			panic(err) // a profile is checked when it is read
		}
		abis[i] = mpy.ABI{Version: version, SubVersion: subVersion, Arch: arch, SmallIntBits: m.SmallIntBits}
		if arch == mpy.ArchRV32IMC {
			abis[i].ArchFlags = mpy.ArchFlags(m.ArchFlags)
		}
	}
	return abis
}

// Accepts returns nil if some board of the family loads a .mpy file with
// header h, and otherwise the reason why not, an [*mpy.IncompatibleError].
func (m MPY) Accepts(h mpy.Header, version, subVersion uint8) error {
	var first error
	for _, abi := range m.ABIs(version, subVersion) {
		err := abi.Accepts(h)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// A Partition is a range of memory that MicroPython mounts, or can mount, as a
// ROMFS.
type Partition struct {
	Index    int    // id of vfs.rom_ioctl, as the core with the REPL sees it
	Name     string // "romfs0"
	Base     uint64 // address of its first byte; 0: not mapped at a fixed address
	Size     int64  // bytes; 0: the firmware's builder chooses, so the user must say
	Tail     int64  // bytes at its end that images should leave alone: reading them upsets the hardware
	Erase    int64  // bytes that vfs.rom_ioctl erases at least; Write on media that need no erase; 0: unknown
	Write    int64  // smallest write in bytes, and its alignment; 0: unknown
	Segment  SegmentKind
	Medium   Medium
	Programs int    // how often a word may be programmed between erases, by any write; 0: as often as its bits allow
	Rewrites int64  // bytes that the port erases and programs anew for every write into them; 0: none
	ReadOnly bool   // vfs.rom_ioctl cannot write it
	Core     string // the core that mounts it at /rom; "" on boards with one
	CoreIdle bool   // that core runs nothing from it by itself
	NPU      *NPU   // of that core; nil: none
	DFU      *DFU   // how its bootloader programs it; nil: it does not
}

// TornUnit is how many first bytes of an image a power cut within its last write
// may leave in any state, so that nothing but the header should be there; 0 if
// only the magic is written last.
func (p *Partition) TornUnit() int64 {
	switch {
	case p.Rewrites > 0:
		return p.Rewrites
	case p.Medium == ECC:
		return p.Write
	}
	return 0
}

// NPU is a processor for models.
type NPU struct {
	Preset string   // of the manifest's transforms, that converts models for it
	Args   []string // of the preset's program, which tell it this NPU from others
}

// DFU is how dfu-util reaches a partition.
type DFU struct {
	Alt     int    // alternate setting
	Address uint64 // DfuSe start address; 0: plain DFU, the setting is the partition
	Erase   int64  // bytes that the bootloader erases at once; 0: unknown
	Leave   bool   // DfuSe: leave the bootloader when done (":leave")
}

// An AlignRule aligns files by destination.
type AlignRule struct {
	Match string // pattern, see [pattern.Board]
	To    int64  // bytes, a power of two
	Why   string // what fails with less; "" if the profile does not say

	compiled *pattern.Pattern // of Match; nil in a rule that was not read from a file
}

// matches reports whether the rule is for a destination.
func (r *AlignRule) matches(dest string) bool {
	p := r.compiled
	if p == nil {
		var err error
		if p, err = pattern.Compile(r.Match, pattern.Board); err != nil {
			return false
		}
	}
	return p.Match(dest)
}

// AlignRule returns the rule for the file of that slash path in the image, or
// nil.
func (p *Profile) AlignRule(dest string) *AlignRule {
	for i := range p.Align {
		if p.Align[i].matches(dest) {
			return &p.Align[i]
		}
	}
	return nil
}

// MaxAlign is the largest alignment that a rule of the board asks for, 0
// without rules.
func (p *Profile) MaxAlign() int64 {
	var most int64
	for _, r := range p.Align {
		most = max(most, r.To)
	}
	return most
}

// A Range is a part of a board's address space.
type Range struct {
	Base uint64
	Size int64 // bytes
}

// Holds tells if size bytes from an address on lie in the range.
func (r Range) Holds(address uint64, size int64) bool {
	return address >= r.Base && size <= r.Size && address-r.Base <= uint64(r.Size-size)
}

// String writes the range as addresses, both in it.
func (r Range) String() string {
	return fmt.Sprintf("0x%08X to 0x%08X", r.Base, r.Base+uint64(r.Size)-1)
}

// A USBID is a pair of USB vendor and product.
type USBID struct {
	Vendor, Product uint16
	Mode            string // one of those below
}

// The modes of a USBID.
const (
	ModeRuntime    = "runtime"    // MicroPython's serial port
	ModeBootloader = "bootloader" // no MicroPython runs
	ModeAdapter    = "adapter"    // a USB serial adapter, as boards carry it; others have it, too
)

func (u USBID) String() string { return fmt.Sprintf("%04X:%04X", u.Vendor, u.Product) }

// DedupDefault tells whether images for the board share repeated data unless
// the manifest says otherwise.
func (p *Profile) DedupDefault() bool { return !p.OpenMV }

// Runs tells whether the profile is for a board whose sys.implementation._machine
// is machine. A profile that names no machines is for any.
func (p *Profile) Runs(machine string) bool {
	return len(p.Machines) == 0 || slices.ContainsFunc(p.Machines, func(pattern string) bool {
		ok, err := path.Match(pattern, machine)
		return ok && err == nil
	})
}

// Partition returns the partition of that name ("romfs0") or index ("0");
// the empty string is the first one.
func (p *Profile) Partition(nameOrIndex string) (*Partition, error) {
	if p.NoROM != "" {
		return nil, &NoROMError{p}
	}
	if nameOrIndex == "" {
		return &p.Partitions[0], nil
	}
	index, err := strconv.Atoi(nameOrIndex)
	var have []string
	for i := range p.Partitions {
		part := &p.Partitions[i]
		if part.Name == nameOrIndex || err == nil && part.Index == index {
			return part, nil
		}
		have = append(have, part.Name)
	}
	return nil, &NoPartitionError{Board: p, Want: nameOrIndex, Have: have}
}

// WithSize returns a copy of the profile whose partition has the given size in
// bytes: for families whose sizes are the firmware builder's choice, and for
// firmware that was built with another size than the profile's.
func (p *Profile) WithSize(nameOrIndex string, size int64) (*Profile, error) {
	part, err := p.Partition(nameOrIndex)
	if err != nil {
		return nil, err
	}
	if size <= 0 || part.Erase > 0 && size%part.Erase != 0 {
		return nil, fmt.Errorf("board %s, partition %s: a size of %d bytes is not a positive multiple of its erase unit, %d bytes", p.ID, part.Name, size, part.Erase)
	}
	c := *p
	c.Partitions = slices.Clone(p.Partitions)
	for i := range c.Partitions {
		if c.Partitions[i].Index == part.Index {
			c.Partitions[i].Size = size
		}
	}
	return &c, nil
}

// A NoPartitionError is a partition that the board does not have.
type NoPartitionError struct {
	Board *Profile
	Want  string
	Have  []string
}

func (e *NoPartitionError) Error() string {
	return fmt.Sprintf("board %s has no partition %q: it has %s", e.Board.ID, e.Want, strings.Join(e.Have, ", "))
}

// A NoROMError is the answer to any use of a board without a ROM partition.
type NoROMError struct{ Board *Profile }

func (e *NoROMError) Error() string {
	return fmt.Sprintf("board %s (%s) has no ROM partition: %s", e.Board.ID, e.Board.Name, e.Board.NoROM)
}

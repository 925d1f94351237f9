// Package drivers is what the ports of MicroPython do between Python and their
// flash: vfs.rom_ioctl and the block devices that it hands out. One file a port
// transcribes the C of its write path, down to the commands that the chip gets,
// with the file and line of MicroPython that each part is from; the cells below
// are package flashsim's.
//
// Lines are those of MicroPython 1c3c201149 (after 1.28), whose submodule
// lib/asf4 is 84f56af132.
package drivers

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"rules_romfs/packager/board"
	"rules_romfs/packager/simboard/flashsim"
)

// What calls return: negative errnos, and codes for what is no number.
const (
	EINVAL     = -22
	EIO        = -5
	ReturnNone = -1000 // None, as most writeblocks do
	RaiseEIO   = -1001 // OSError(EIO)
)

// A Driver is how one port writes one kind of memory.
type Driver struct {
	Name     string
	Doc      string // whose it is
	Source   string // where in MicroPython
	Platform string // sys.platform
	Chip     string // one that it is for, as sys.implementation._machine names it

	Blocks        bool           // the segment is a block device, not a memoryview
	ReadOnly      bool           // ops 1 and 2 only
	AnyID         bool           // there is one segment, and its id is not looked at
	FaultsOnFlash bool           // a write whose buffer lies in the flash itself is a hard fault
	Cells         flashsim.Cells // of the chip
	Erase         int64          // bytes that the chip erases at once; of internal flash, an example

	machines []string                    // parts of sys.implementation._machine that name its chips
	fits     func(*board.Partition) bool // of those boards, the partitions; nil: all
	mapped   func(*Segment) Mapped
	blocks   func(*Segment) Blocks
}

// A Segment is a ROM partition as its driver reaches it.
type Segment struct {
	Flash *flashsim.Flash
	Part  int   // of the flash
	Size  int64 // bytes
	Erase int64 // bytes that the chip erases at once
	Old   bool  // firmware up to 1.28, which has no op 6
	Rand  *rand.Rand
	Hang  func() error // never returns while the board runs
}

// Mapped is vfs.rom_ioctl of a port whose segments are memoryviews. Errors end
// the board: what C returns is the number.
type Mapped interface {
	Prepare(args ...int64) (int, error)        // op 3, with what stands behind the id
	Write(off int64, data []byte) (int, error) // op 4
	MinPrepare() (int, error)                  // op 6
}

// Blocks is a port's block device.
type Blocks interface {
	EraseBlock(n int64) (int, error)                    // ioctl(6, n)
	WriteBlocks(n int64, data []byte) (int, error)      // writeblocks(n, data): erases, too
	Patch(n int64, data []byte, off int64) (int, error) // writeblocks(n, data, off)
}

// Mapped is the driver of a segment; nil if it is a block device, or read-only.
func (d *Driver) Mapped(s *Segment) Mapped {
	if d.mapped == nil {
		return nil
	}
	return d.mapped(s)
}

// Device is the driver of a segment that is a block device, else nil.
func (d *Driver) Device(s *Segment) Blocks {
	if d.blocks == nil {
		return nil
	}
	return d.blocks(s)
}

// all is every driver, those that fit fewer boards first.
var all = slices.Concat(stm32, alif, samd, renesas, esp, rp2, mimxrt, nrf, qemu)

// All lists the drivers.
func All() []*Driver {
	list := make([]*Driver, len(all))
	for i := range all {
		list[i] = &all[i]
	}
	return list
}

// Default is the driver of a board that says nothing else.
const Default = "stm32-qspi"

// A NameError says that there is no driver of that name.
type NameError struct{ Name string }

func (e *NameError) Error() string {
	return fmt.Sprintf("there is no driver %q; there are %s", e.Name, strings.Join(Names(), ", "))
}

// Names lists the drivers' names.
func Names() []string {
	var names []string
	for i := range all {
		names = append(names, all[i].Name)
	}
	return names
}

// Lookup returns the driver of that name; "" is Default. Errors are *NameError.
func Lookup(name string) (*Driver, error) {
	if name == "" {
		name = Default
	}
	i := slices.IndexFunc(all, func(d Driver) bool { return d.Name == name })
	if i < 0 {
		return nil, &NameError{name}
	}
	return &all[i], nil
}

// For returns the driver of a partition of a board whose firmware calls itself
// machine: that of the port that its chip has, or else, for chips that no port
// here has, one that writes memory as the profile describes it.
func For(machine string, p *board.Partition) *Driver {
	for i := range all {
		if d := &all[i]; d.runs(machine) && d.ReadOnly == p.ReadOnly && (d.fits == nil || d.fits(p)) {
			return d
		}
	}
	d, _ := Lookup(like(p))
	return d
}

// runs says whether the driver's port has the chip that a machine names.
func (d *Driver) runs(machine string) bool {
	return slices.ContainsFunc(d.machines, func(part string) bool { return strings.Contains(machine, part) })
}

// like is a driver that writes memory as the profile describes it.
func like(p *board.Partition) string {
	switch {
	case p.ReadOnly, p.Medium == board.RAM:
		return "qemu"
	case p.Medium == board.MRAM:
		return "alif-mram"
	case p.Medium == board.ECC && p.Write == 8:
		return "stm32-internal-l4"
	case p.Medium == board.ECC && p.Write == 16:
		return "stm32-internal-h5"
	case p.Medium == board.ECC:
		return "stm32-internal-h7"
	case p.Segment == board.BlockDevice && p.Write >= 256:
		return "rp2"
	case p.Segment == board.BlockDevice:
		return "mimxrt"
	}
	return Default
}

// Platform is the sys.platform of the port that a machine runs; "sim" for one
// of no port here.
func Platform(machine string) string {
	for i := range all {
		if all[i].runs(machine) {
			return all[i].Platform
		}
	}
	return "sim"
}

// at says whether a partition lies in a range of addresses.
func at(from, to uint64) func(*board.Partition) bool {
	return func(p *board.Partition) bool { return from <= p.Base && p.Base < to }
}

// prepareRange reads the arguments of op 3: a length, or behind an offset.
func (s *Segment) prepareRange(args []int64) (off, end int64) {
	if len(args) == 1 || s.Old { // up to 1.28 a fourth argument is ignored, so that the offset is the length
		return 0, args[0]
	}
	return args[0], args[0] + args[1]
}

// pages programs data in pieces that stay inside pages.
func (s *Segment) pages(off int64, data []byte, page int64) error {
	for len(data) > 0 {
		n := min(page-off%page, int64(len(data)))
		if err := s.Flash.Program(s.Part, off, data[:n]); err != nil {
			return err
		}
		off, data = off+n, data[n:]
	}
	return nil
}

// behind is what a driver reads that reads on behind a buffer.
func (s *Segment) behind(data []byte, unit int64) []byte {
	data = slices.Clone(data)
	for int64(len(data))%unit != 0 {
		data = append(data, byte(s.Rand.Uint32()))
	}
	return data
}

// Help lists the drivers: name, and what they write.
func Help() string {
	var s strings.Builder
	for i := range all {
		fmt.Fprintf(&s, "%-18s %s\n", all[i].Name, all[i].Doc)
	}
	return s.String()
}

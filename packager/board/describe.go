package board

import (
	"fmt"
	"strings"

	"rules_romfs/internal/strictyaml"
	"rules_romfs/packager/report"
)

// A Description is a profile as programs read it.
type Description struct {
	ID         string                 `json:"id"`
	Name       string                 `json:"name"`
	Machines   []string               `json:"machines"` // patterns of sys.implementation._machine
	Arch       string                 `json:"arch"`
	SmallInts  int                    `json:"small_int_bits"`
	NoROM      string                 `json:"no_rom,omitempty"`
	Partitions []PartitionDescription `json:"partitions"`
	Align      []AlignDescription     `json:"align"`
	USB        []string               `json:"usb"`
	UF2        []string               `json:"uf2"`   // families
	Dedup      bool                   `json:"dedup"` // what a manifest may change
}

// A PartitionDescription is one of its ROM partitions; sizes are in bytes.
type PartitionDescription struct {
	Name    string      `json:"name"`
	Index   int         `json:"index"`
	Base    uint64      `json:"base"`
	Size    int64       `json:"size"`           // 0: the firmware's builder chooses
	Tail    int64       `json:"tail,omitempty"` // bytes at the end that images should leave alone
	Erase   int64       `json:"erase"`
	Write   int64       `json:"write"`
	Segment SegmentKind `json:"segment"`
	Medium  Medium      `json:"medium"`

	Programs int             `json:"programs,omitempty"` // of a word, between erases at most
	Rewrites int64           `json:"rewrites,omitempty"` // bytes that each write erases and programs
	ReadOnly bool            `json:"read_only,omitempty"`
	Core     string          `json:"core,omitempty"`
	CoreIdle bool            `json:"core_idle,omitempty"`
	NPU      *NPUDescription `json:"npu,omitempty"`
	DFU      *DFUDescription `json:"dfu,omitempty"`
}

// An NPUDescription is the processor that models are converted for.
type NPUDescription struct {
	Preset string   `json:"preset"`
	Args   []string `json:"args"`
}

// A DFUDescription is how dfu-util reaches a partition.
type DFUDescription struct {
	Alt     int    `json:"alt"`
	Address uint64 `json:"address,omitempty"` // of DfuSe
	Erase   int64  `json:"erase,omitempty"`
	Leave   bool   `json:"leave,omitempty"`
}

// An AlignDescription is a rule for the alignment of files.
type AlignDescription struct {
	Match string `json:"match"`
	To    int64  `json:"to"`
	Why   string `json:"why,omitempty"`
}

// Describe says of a board what people and programs want to know.
func (p *Profile) Describe() Description {
	b := Description{ID: p.ID, Name: p.Name, Machines: append([]string{}, p.Machines...),
		Arch: strings.Join(p.MPY.Archs, ", "), SmallInts: p.MPY.SmallIntBits, NoROM: p.NoROM, Dedup: p.DedupDefault(),
		Partitions: []PartitionDescription{}, Align: []AlignDescription{}, USB: []string{}, UF2: []string{}}
	for _, x := range p.Partitions {
		b.Partitions = append(b.Partitions, PartitionDescription{x.Name, x.Index, x.Base, x.Size, x.Tail, x.Erase, x.Write, x.Segment, x.Medium,
			x.Programs, x.Rewrites, x.ReadOnly, x.Core, x.CoreIdle, (*NPUDescription)(x.NPU), (*DFUDescription)(x.DFU)})
	}
	for _, f := range p.UF2 {
		b.UF2 = append(b.UF2, f.Name)
	}
	for _, r := range p.Align {
		b.Align = append(b.Align, AlignDescription{r.Match, r.To, r.Why})
	}
	for _, u := range p.USB {
		b.USB = append(b.USB, u.String()+" "+u.Mode)
	}
	return b
}

// RoundSize writes a size that is a round number, as those of partitions are: as
// board files spell it, and with a blank.
func RoundSize(n int64) string {
	if n == 0 {
		return "as built"
	}
	spelt := strictyaml.Size(n).String()
	if unit := strings.TrimLeft(spelt, "0123456789"); unit != "" {
		return strings.TrimSuffix(spelt, unit) + " " + unit
	}
	return report.Size(n)
}

// String is the description for people, in lines.
func (b Description) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s: %s\n", b.ID, b.Name)
	if len(b.Machines) > 0 {
		fmt.Fprintf(&s, "  calls itself %s\n", strings.Join(b.Machines, ", "))
	}
	fmt.Fprintf(&s, "  .mpy: native code for %s, small integers of %d bits\n", b.Arch, b.SmallInts)
	if b.NoROM != "" {
		fmt.Fprintf(&s, "  no ROM partition: %s\n", b.NoROM)
	}
	for _, p := range b.Partitions {
		base := "at no fixed address"
		if p.Base != 0 {
			base = fmt.Sprintf("at 0x%08X", p.Base)
		}
		fmt.Fprintf(&s, "  %s (%d): %s %s, %s as a %s, %s\n", p.Name, p.Index, RoundSize(p.Size), base, p.Medium.Name(), p.Segment.Name(), p.units())
		switch {
		case p.CoreIdle:
			fmt.Fprintf(&s, "    core %s mounts it, and runs nothing from it by itself\n", p.Core)
		case p.Core != "":
			fmt.Fprintf(&s, "    core %s mounts it\n", p.Core)
		}
		if p.Tail > 0 {
			fmt.Fprintf(&s, "    its last %d bytes are to stay unused\n", p.Tail)
		}
		if p.NPU != nil {
			fmt.Fprintf(&s, "    has an NPU, for models by transform: %s (%s)\n", p.NPU.Preset, strings.Join(p.NPU.Args, " "))
		}
		if p.DFU != nil {
			fmt.Fprintf(&s, "    its bootloader writes it: %s\n", p.DFU)
		}
	}
	for _, r := range b.Align {
		why := ""
		if r.Why != "" {
			why = ": " + r.Why
		}
		fmt.Fprintf(&s, "  aligns %s to %d bytes%s\n", r.Match, r.To, why)
	}
	if b.NoROM == "" && !b.Dedup {
		fmt.Fprint(&s, "  equal files are stored once only if a manifest says dedup: true: OpenMV's tools lose such files\n")
	}
	if len(b.USB) > 0 {
		fmt.Fprintf(&s, "  USB: %s\n", strings.Join(b.USB, ", "))
	}
	if len(b.UF2) > 0 {
		fmt.Fprintf(&s, "  UF2 family: %s\n", strings.Join(b.UF2, ", "))
	}
	return s.String()
}

// units says how the partition is written.
func (p *PartitionDescription) units() string {
	switch {
	case p.ReadOnly:
		return "read-only"
	case p.Erase == 1:
		return fmt.Sprintf("erases nothing, writes %s", RoundSize(p.Write))
	}
	s := fmt.Sprintf("erases %s, writes %s", RoundSize(p.Erase), RoundSize(p.Write))
	if p.Erase == 0 {
		s = fmt.Sprintf("erases an unknown unit, writes %s", RoundSize(p.Write))
	}
	if p.Rewrites > 0 {
		s += fmt.Sprintf(", each time by erasing and programming %s", RoundSize(p.Rewrites))
	}
	if p.Programs > 0 {
		s += fmt.Sprintf(", a word %d times between erases at most", p.Programs)
	}
	return s
}

// String is what dfu-util calls it.
func (d *DFUDescription) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "dfu-util -a %d", d.Alt)
	if d.Address != 0 {
		fmt.Fprintf(&s, " -s 0x%08X", d.Address)
		if d.Leave {
			s.WriteString(":leave")
		}
	}
	if d.Erase != 0 {
		fmt.Fprintf(&s, ", erases %s", RoundSize(d.Erase))
	}
	return s.String()
}

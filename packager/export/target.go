package export

import (
	"cmp"
	"fmt"
	"strings"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
)

// A Pad says how far an image is filled with 0xff.
type Pad string

// The kinds of padding.
const (
	PadNone      Pad = "none"
	PadErase     Pad = "erase"     // to whole erase blocks
	PadPartition Pad = "partition" // to the end of the partition
)

// A Place is where an image goes, as far as it is known. The zero Place is
// nowhere in particular.
type Place struct {
	Board     *board.Profile   // nil: not known
	Partition *board.Partition // nil: not known
	Address   *uint64          // of the first byte, over the partition's; nil: the partition's
	Families  []board.UF2Family
	Align     int64 // that the image's files need of its address, in bytes; 0: not known
}

// PlaceOf finds the place of an image that was built before, whose sidecar is s
// (nil without one): the board and partition that the caller names, else the
// sidecar's. known is the profile of the board, if it is here; size is that of
// the partition, if the caller says it.
func PlaceOf(s *artifact.Sidecar, known *board.Profile, id, partition string, size int64) (*Place, error) {
	p := &Place{}
	if s != nil {
		p.Align = s.Align
	}
	if s != nil && s.Partition != nil && id == "" {
		partition = cmp.Or(partition, s.Partition.Name)
		if known == nil && partition == s.Partition.Name {
			// A board file that is not here: the sidecar has the numbers.
			was := s.Partition
			p.Partition = &board.Partition{Name: was.Name, Index: was.Index, Base: was.Base, Size: cmp.Or(size, was.Size), Erase: was.Erase}
			return p, nil
		}
	}
	if id == "" && known != nil {
		id = known.ID
	}
	target, err := pack.NewTarget(id, partition, size)
	p.Board, p.Partition = target.Board, target.Partition
	return p, err
}

// A PlaceError says that something has to be known of the place that is not.
type PlaceError struct{ msg string }

func (e *PlaceError) Error() string { return e.msg }

// A SizeError says that the image is larger than its partition.
type SizeError struct {
	Size  int64 // of the image, in bytes
	Limit int64
	Where string
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("the image has %d bytes, and %s %d", e.Size, e.Where, e.Limit)
}

func (p *Place) where() string {
	if p.Board == nil {
		return "the partition"
	}
	return fmt.Sprintf("partition %s of %s", p.Partition.Name, p.Board.ID)
}

// Options returns how an image of that size is written for the place. Pad ""
// is whole erase blocks where their size is known.
func (p *Place) Options(f Format, pad Pad, size int64) (Options, error) {
	o := Options{Format: f, Target: Target{Name: "romfs", Vendor: AnyID, Product: AnyID}}
	var part board.Partition
	if p.Partition != nil {
		part = *p.Partition
		o.Target.Name = part.Name
	}
	if part.Size > 0 && size > part.Size {
		return o, &SizeError{size, part.Size, p.where()}
	}
	if err := p.pad(&o, pad, &part); err != nil {
		return o, err
	}
	if !f.Addressed() {
		return o, nil
	}
	switch {
	case p.Address != nil:
		o.Address = *p.Address
		if err := p.checkAddress(o.Address, o.Padded(size)); err != nil {
			return o, err
		}
	case p.Partition == nil:
		return o, &PlaceError{fmt.Sprintf("%s says where the image goes, and no board is known; add --board ID (romfs boards lists them), or --address", f)}
	case part.Base == 0:
		return o, &PlaceError{fmt.Sprintf("%s says where the image goes, and %s is at no fixed address; give the one of your firmware with --address, or write the image as %s", f, p.where(), Raw)}
	default:
		o.Address = part.Base
	}
	switch f {
	case DfuSe:
		p.bootloader(&o, &part)
	case UF2:
		return o, p.family(&o)
	}
	return o, nil
}

// checkAddress finds out that the board's firmware could not use an image of
// that many bytes of flash at an address that the user gives.
func (p *Place) checkAddress(address uint64, size int64) error {
	if p.Board != nil {
		if err := p.checkFlash(address, size); err != nil {
			return err
		}
	}
	if p.Partition != nil && p.Partition.Erase > 0 && address%uint64(p.Partition.Erase) != 0 {
		return &PlaceError{fmt.Sprintf("%#x is no multiple of the erase unit, %d bytes: %s cannot begin there; give the address of your firmware's partition", address, p.Partition.Erase, p.where())}
	}
	if p.Align > 1 && address%uint64(p.Align) != 0 {
		return &PlaceError{fmt.Sprintf("%#x is no multiple of %d, to which files of the image are aligned: they would not be where the board can use them; give an address that is", address, p.Align)}
	}
	return nil
}

// checkFlash refuses what is no flash of the board, as far as its profile says
// what is.
func (p *Place) checkFlash(address uint64, size int64) error {
	var ranges []string
	for _, r := range p.Board.Flash {
		if r.Holds(address, size) {
			return nil
		}
		ranges = append(ranges, r.String())
	}
	if len(ranges) == 0 {
		return nil
	}
	return &PlaceError{fmt.Sprintf("%s at %#x are not in the flash of %s, which is %s; give the address of your firmware's partition", report.Plural(size, "byte"), address, p.Board.ID, strings.Join(ranges, ", "))}
}

func (p *Place) pad(o *Options, pad Pad, part *board.Partition) error {
	switch pad {
	case "":
		o.Pad = part.Erase
	case PadNone:
	case PadErase:
		if o.Pad = part.Erase; o.Pad == 0 {
			return &PlaceError{"--pad erase needs a board whose erase unit is known; add --board ID, or use --pad none"}
		}
	case PadPartition:
		if o.Pad = part.Size; o.Pad == 0 {
			return &PlaceError{"--pad partition needs the partition's size; add --board ID, or --partition-size"}
		}
	default:
		return fmt.Errorf("%q is no padding: it is %s, %s or %s", pad, PadErase, PadPartition, PadNone)
	}
	return nil
}

// bootloader names the bootloader that the file is for, where the board has one
// that takes addresses. Else any may take it, through its first setting: that
// is the internal flash, in the one that ST puts into its chips.
func (p *Place) bootloader(o *Options, part *board.Partition) {
	if part.DFU == nil || part.DFU.Address == 0 {
		return
	}
	o.Target.Alt = uint8(part.DFU.Alt)
	if p.Address == nil {
		o.Address = part.DFU.Address
	}
	for _, id := range p.Board.USB {
		if id.Mode == board.ModeBootloader {
			o.Target.Vendor, o.Target.Product = id.Vendor, id.Product
			return
		}
	}
}

// family chooses the UF2 family: the only one there is.
func (p *Place) family(o *Options) error {
	switch len(p.Families) {
	case 0:
		return &PlaceError{"uf2 names the family of the chip, which is not known here; give it with --uf2-family: " + board.UF2FamilyNames()}
	case 1:
		o.Family = p.Families[0].ID
		return nil
	}
	var names []string
	for _, f := range p.Families {
		names = append(names, f.Name)
	}
	return &PlaceError{fmt.Sprintf("the chips of %s are of several UF2 families; choose one with --uf2-family: %s", p.Board.ID, strings.Join(names, ", "))}
}

// PlainDFU reports whether the board's bootloader takes images as they are and
// no DfuSe files: it speaks DFU, and the alternate setting is the partition.
func (p *Place) PlainDFU() bool {
	return p.Partition != nil && p.Partition.DFU != nil && p.Partition.DFU.Address == 0
}

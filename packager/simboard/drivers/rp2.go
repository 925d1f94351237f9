package drivers

import (
	"rules_romfs/packager/simboard/flashsim"
)

// The rp2 port: ports/rp2/rp2_flash.c, over the boot ROM's flash_range_erase and
// flash_range_program, which know pages of 256 bytes only. No range is checked.
var rp2 = []Driver{{
	Name: "rp2", Doc: "rp2, serial flash", Source: "ports/rp2/rp2_flash.c:273, 329",
	Platform: "rp2", Chip: "RP2040", Blocks: true, AnyID: true, FaultsOnFlash: true, Cells: flashsim.NOR, Erase: 4096,
	machines: []string{"RP2"},
	blocks:   func(s *Segment) Blocks { return &rp2Flash{s} },
}}

type rp2Flash struct{ *Segment }

// program is flash_range_program: a page for each 256 bytes that have begun,
// the last one filled with what lies behind the buffer. At an address inside a
// page the chip goes on at its start.
func (d *rp2Flash) program(off int64, data []byte) error {
	for data = d.behind(data, 256); len(data) > 0; off, data = off+256, data[256:] {
		if err := d.Flash.Program(d.Part, off, data[:256]); err != nil {
			return err
		}
	}
	return nil
}

func (d *rp2Flash) EraseBlock(n int64) (int, error) {
	return 0, d.Flash.Erase(d.Part, n*d.Erase) // :346
}

func (d *rp2Flash) WriteBlocks(n int64, data []byte) (int, error) {
	for at := int64(0); at < int64(len(data)); at += d.Erase { // :280
		if err := d.Flash.Erase(d.Part, n*d.Erase+at); err != nil {
			return 0, err
		}
	}
	return ReturnNone, d.program(n*d.Erase, data) // :299
}

func (d *rp2Flash) Patch(n int64, data []byte, off int64) (int, error) {
	return ReturnNone, d.program(n*d.Erase+off, data)
}

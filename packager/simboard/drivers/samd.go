package drivers

import (
	"slices"

	"rules_romfs/packager/board"
	"rules_romfs/packager/simboard/flashsim"
)

// The samd port: ports/samd/samd_flash.c, over Microchip's ASF4
// (lib/asf4/samdXX/hpl/nvmctrl/hpl_nvmctrl.c), which for every write reads the
// block that it falls in, erases it, and programs all of its pages again.
//
// The ROM partition is internal flash on every board; it is a block device where
// the file system is internal flash too, and a memoryview where that is external.
var samd = []Driver{
	{
		Name: "samd21-blocks", Doc: "samd, SAMD21 whose file system is in internal flash", Source: "ports/samd/samd_flash.c:136, 154; asf4/samd21",
		Platform: "samd", Chip: "SAMD21G18A", Blocks: true, AnyID: true, Cells: flashsim.Cells{Page: 64, Word: 4}, Erase: 256,
		machines: []string{"SAMD21"}, fits: isBlocks,
		blocks: func(s *Segment) Blocks { return &samdBlocks{samdNVM{s, 256}} },
	},
	{
		Name: "samd51-blocks", Doc: "samd, SAMD51 whose file system is in internal flash", Source: "ports/samd/samd_flash.c:136, 154; asf4/samd51",
		Platform: "samd", Chip: "SAMD51J20A", Blocks: true, AnyID: true, Cells: flashsim.Cells{Page: 512, Word: 4}, Erase: 8 << 10,
		machines: []string{"SAMD"}, fits: isBlocks,
		blocks: func(s *Segment) Blocks { return &samdBlocks{samdNVM{s, 512}} },
	},
	{
		Name: "samd21", Doc: "samd, SAMD21 whose file system is in external flash", Source: "ports/samd/samd_flash.c:220; asf4/samd21",
		Platform: "samd", Chip: "SAMD21G18A", AnyID: true, Cells: flashsim.Cells{Page: 64, Word: 4}, Erase: 256,
		machines: []string{"SAMD21"},
		mapped:   func(s *Segment) Mapped { return &samdMapped{samdNVM{s, 256}} },
	},
	{
		Name: "samd51", Doc: "samd, SAMD51 whose file system is in external flash", Source: "ports/samd/samd_flash.c:220; asf4/samd51",
		Platform: "samd", Chip: "SAMD51J20A", AnyID: true, Cells: flashsim.Cells{Page: 512, Word: 4}, Erase: 8 << 10,
		machines: []string{"SAMD"},
		mapped:   func(s *Segment) Mapped { return &samdMapped{samdNVM{s, 512}} },
	},
}

func isBlocks(p *board.Partition) bool { return p.Segment == board.BlockDevice }

// samdNVM is ASF4's driver of the flash controller.
type samdNVM struct {
	*Segment
	step int64 // bytes by which _flash_erase goes on after each block
}

func (d *samdNVM) page() int64 { return d.Flash.Places()[d.Part].Cells.Page }

// write is _flash_write (hpl_nvmctrl.c:170 of samd51, :178 of samd21).
func (d *samdNVM) write(dst int64, buffer []byte) error {
	for len(buffer) > 0 {
		start := dst - dst%d.Erase
		tmp := d.Flash.Read(d.Part, start, d.Erase) // :182
		n := copy(tmp[dst-start:], buffer)          // :189
		dst, buffer = dst+int64(n), buffer[n:]
		if err := d.Flash.Erase(d.Part, start); err != nil { // :203
			return err
		}
		if err := d.pages(start, tmp, d.page()); err != nil { // :206
			return err
		}
	}
	return nil
}

// erase is flash_erase (hal_flash.c:162) and _flash_erase (hpl_nvmctrl.c:240 of
// samd51, :247 of samd21). After a block, samd51's goes on by a page, not by a
// block (:270): of several it erases the first one again and again.
func (d *samdNVM) erase(dst, pages int64) error {
	page := d.page()
	if dst%page != 0 { // flash_is_address_aligned; what it returns is dropped
		return nil
	}
	inBlock := d.Erase / page
	start := dst - dst%d.Erase
	blank := slices.Repeat([]byte{0xff}, int(page))
	if dst != start { // :251
		start += d.Erase
		for range inBlock - 1 {
			if err := d.write(dst, blank); err != nil {
				return err
			}
			if pages--; pages == 0 {
				return nil
			}
			if dst += page; dst == start {
				break
			}
		}
	}
	for ; pages >= inBlock; pages -= inBlock { // :268
		if err := d.Flash.Erase(d.Part, start); err != nil {
			return err
		}
		start += d.step
	}
	for ; pages > 0; pages-- { // :274
		if err := d.write(start, blank); err != nil {
			return err
		}
		start += page
	}
	return nil
}

// samdMapped is mp_vfs_rom_ioctl without MICROPY_HW_MCUFLASH: no range is checked.
type samdMapped struct{ samdNVM }

func (d *samdMapped) Prepare(args ...int64) (int, error) {
	off, end := d.prepareRange(args) // samd_flash.c:240
	return 4, d.erase(off, (end-off+d.page()-1)/d.page())
}

func (d *samdMapped) Write(off int64, data []byte) (int, error) {
	return 0, d.write(off, data) // :261
}

func (d *samdMapped) MinPrepare() (int, error) {
	if d.Old {
		return EINVAL, nil
	}
	return int(d.page()), nil // :267
}

// samdBlocks is the samd.Flash object of the ROM partition.
type samdBlocks struct{ samdNVM }

// EraseBlock erases a block of the other object, that of the file system (:171).
func (d *samdBlocks) EraseBlock(n int64) (int, error) {
	d.Flash.Harm("block %d of the board's own file system was erased", n)
	return 0, nil
}

func (d *samdBlocks) WriteBlocks(n int64, data []byte) (int, error) {
	if err := d.erase(n*d.Erase, d.Erase/d.page()); err != nil { // :142
		return 0, err
	}
	return ReturnNone, d.write(n*d.Erase, data) // :148
}

func (d *samdBlocks) Patch(n int64, data []byte, off int64) (int, error) {
	return ReturnNone, d.write(n*d.Erase+off, data)
}

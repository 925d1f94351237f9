package drivers

import (
	"encoding/binary"
	"errors"
	"slices"

	"rules_romfs/packager/board"
	"rules_romfs/packager/simboard/flashsim"
)

// The stm32 port: ports/stm32/vfs_rom_ioctl.c, over drivers/memory/spiflash.c
// for external flash and ports/stm32/flash.c for internal.
var stm32 = []Driver{
	{
		Name: "stm32-ospi", Doc: "stm32, serial flash on an OCTOSPI (H723, H73x, H7Ax)", Source: "ports/stm32/vfs_rom_ioctl.c:156, 211, 228",
		Platform: "pyboard", Chip: "STM32H723VG", FaultsOnFlash: true, Cells: flashsim.NOR, Erase: spiBlock,
		machines: []string{"STM32H72", "STM32H73", "STM32H7A", "STM32H7B"}, fits: at(0x70000000, 0xA0000000),
		mapped: func(s *Segment) Mapped { return &stm32SPI{Segment: s, noMinPrepare: true} },
	},
	{
		Name: "stm32-xspi", Doc: "stm32, serial flash on an XSPI (N6)", Source: "ports/stm32/vfs_rom_ioctl.c:171, 219, 243",
		Platform: "pyboard", Chip: "STM32N657", FaultsOnFlash: true, Cells: flashsim.NOR, Erase: spiBlock,
		machines: []string{"STM32N6"}, fits: at(0x70000000, 0xA0000000),
		mapped: func(s *Segment) Mapped { return &stm32XSPI{stm32SPI{Segment: s}} },
	},
	{
		Name: "stm32-qspi", Doc: "stm32, serial flash on a QUADSPI", Source: "ports/stm32/vfs_rom_ioctl.c:141, 203, 237",
		Platform: "pyboard", Chip: "STM32H743VI", FaultsOnFlash: true, Cells: flashsim.NOR, Erase: spiBlock,
		machines: []string{"STM32"}, fits: at(0x90000000, 0xA0000000),
		mapped: func(s *Segment) Mapped { return &stm32SPI{Segment: s} },
	},
	{
		Name: "stm32-internal-h7", Doc: "stm32, internal flash of the H7, in words of 32 bytes", Source: "ports/stm32/flash.c:471",
		Platform: "pyboard", Chip: "STM32H743VI", Cells: flashsim.ECC(32), Erase: 128 << 10,
		machines: []string{"STM32H7"}, fits: internal,
		mapped: func(s *Segment) Mapped { return &stm32Internal{s, stm32FlashWords} },
	},
	{
		Name: "stm32-internal-h5", Doc: "stm32, internal flash of the H5 and U5, in words of 16 bytes", Source: "ports/stm32/flash.c:471",
		Platform: "pyboard", Chip: "STM32H573", Cells: flashsim.Guarded(16), Erase: 8 << 10,
		machines: []string{"STM32H5", "STM32U5"}, fits: internal,
		mapped: func(s *Segment) Mapped { return &stm32Internal{s, stm32FlashWords} },
	},
	{
		Name: "stm32-internal-l4", Doc: "stm32, internal flash of the G0, G4, L4, WB and WL, in words of 8 bytes", Source: "ports/stm32/flash.c:423",
		Platform: "pyboard", Chip: "STM32L476", Cells: flashsim.Guarded(8), Erase: 2 << 10,
		machines: []string{"STM32G0", "STM32G4", "STM32L4", "STM32WB", "STM32WL"}, fits: internal,
		mapped: func(s *Segment) Mapped { return &stm32Internal{s, stm32DoubleWords} },
	},
	{
		Name: "stm32-internal-f4", Doc: "stm32, internal flash of the F2, F4 and F7, in words of 4 bytes without ECC", Source: "ports/stm32/flash.c:505",
		Platform: "pyboard", Chip: "STM32F427", Cells: flashsim.Cells{Page: 4, Word: 4}, Erase: 128 << 10,
		machines: []string{"STM32"}, fits: internal,
		mapped: func(s *Segment) Mapped { return &stm32Internal{s, stm32Words} },
	},
}

func internal(p *board.Partition) bool { return p.Base < 0x10000000 }

// spiBlock is MP_SPIFLASH_ERASE_BLOCK_SIZE (drivers/memory/spiflash.h).
const spiBlock = 4096

// stm32SPI is serial flash on a QUADSPI or an OCTOSPI.
type stm32SPI struct {
	*Segment
	noMinPrepare bool // the branch for OSPI is missing: vfs_rom_ioctl.c:228
}

func (d *stm32SPI) Prepare(args ...int64) (int, error) {
	dest, max := d.prepareRange(args) // :114
	if max > d.Size {                 // :122
		return EINVAL, nil
	}
	for ; dest < max; dest += d.Erase { // :145
		if err := d.Flash.Erase(d.Part, dest); err != nil { // spiflash.c:313
			return 0, err
		}
	}
	return 4, nil // :152
}

func (d *stm32SPI) Write(off int64, data []byte) (int, error) {
	if off+int64(len(data)) > d.Size { // :192
		return EINVAL, nil
	}
	return 0, d.pages(off, data, 256) // spiflash.c:335
}

func (d *stm32SPI) MinPrepare() (int, error) {
	if d.Old || d.noMinPrepare {
		return EINVAL, nil // :250
	}
	return int(d.Erase), nil // :239
}

// stm32XSPI erases by blocks counted from the first one's number, a block more
// than the length has: of a range that begins inside a block, not the last.
type stm32XSPI struct{ stm32SPI }

func (d *stm32XSPI) Prepare(args ...int64) (int, error) {
	dest, max := d.prepareRange(args)
	if max > d.Size {
		return EINVAL, nil
	}
	block := dest / d.Erase                                         // :175
	for n := max - dest + d.Erase - 1; n >= d.Erase; n -= d.Erase { // spibdev.c:135
		if err := d.Flash.Erase(d.Part, block*d.Erase); err != nil {
			return 0, err
		}
		block++
	}
	return 4, nil // :179
}

// stm32Internal is internal flash.
type stm32Internal struct {
	*Segment
	flashWrite func(s *Segment, dest int64, src []byte) error // flash_write, in words of 4 bytes
}

func (d *stm32Internal) Prepare(args ...int64) (int, error) {
	dest, max := d.prepareRange(args)
	if max > d.Size {
		return EINVAL, nil
	}
	for ; dest < max; dest += d.Erase { // vfs_rom_ioctl.c:128
		if err := d.Flash.Erase(d.Part, dest); err != nil {
			return 0, err
		}
	}
	return 16, nil // :137, whatever the words are
}

func (d *stm32Internal) Write(off int64, data []byte) (int, error) {
	if off+int64(len(data)) > d.Size {
		return EINVAL, nil
	}
	err := d.flashWrite(d.Segment, off, data[:len(data)-len(data)%4]) // :198, len / 4
	if errors.Is(err, flashsim.ErrRefused) || errors.Is(err, errAlign) {
		return EIO, nil // mp_hal_status_to_neg_errno(HAL_ERROR)
	}
	return 0, err
}

func (d *stm32Internal) MinPrepare() (int, error) {
	if d.Old {
		return EINVAL, nil
	}
	return int(d.Erase), nil // :233
}

// errAlign is HAL_ERROR for an address that the chip does not program at.
var errAlign = errors.New("the address is not aligned")

// stm32FlashWords is flash_write of H5, H7 and U5 (flash.c:471).
func stm32FlashWords(s *Segment, dest int64, src []byte) error {
	word := s.Flash.Places()[s.Part].Cells.Word
	if dest%word != 0 { // :481
		return errAlign
	}
	for len(src) > 0 {
		n := min(word, int64(len(src)))
		buf := slices.Repeat([]byte{0xff}, int(word)) // :499
		copy(buf, src[:n])
		if err := s.Flash.Program(s.Part, dest, buf); err != nil {
			return err
		}
		dest, src = dest+word, src[n:]
	}
	return nil
}

// stm32DoubleWords is flash_write of G0, G4, L4, WB and WL (flash.c:423).
func stm32DoubleWords(s *Segment, dest int64, src []byte) error {
	if dest%8 != 0 { // HAL_FLASH_Program: PGAERR
		return errAlign
	}
	for ; len(src) >= 8; dest, src = dest+8, src[8:] { // :426
		if err := s.Flash.Program(s.Part, dest, src[:8]); err != nil {
			return err
		}
	}
	if len(src) == 4 { // :451
		val := binary.LittleEndian.Uint64(s.Flash.Read(s.Part, dest, 8))
		val = val&0xffffffff00000000 | uint64(binary.LittleEndian.Uint32(src))
		return s.Flash.Program(s.Part, dest, binary.LittleEndian.AppendUint64(nil, val))
	}
	return nil
}

// stm32Words is flash_write of F2, F4 and F7 (flash.c:507).
func stm32Words(s *Segment, dest int64, src []byte) error {
	if dest%4 != 0 { // HAL_FLASH_Program: PGAERR
		return errAlign
	}
	for ; len(src) > 0; dest, src = dest+4, src[4:] {
		if err := s.Flash.Program(s.Part, dest, src[:4]); err != nil {
			return err
		}
	}
	return nil
}

package drivers

import (
	"rules_romfs/packager/simboard/flashsim"
)

// The alif port: ports/alif/vfs_rom_ioctl.c, over ports/alif/ospi_flash.c.
var alif = []Driver{
	{
		Name: "alif-mram", Doc: "alif, MRAM, which is written without an erase", Source: "ports/alif/vfs_rom_ioctl.c:119, 155, 183",
		Platform: "alif", Chip: "AE722F80F55D5AS", Cells: flashsim.MRAM, Erase: 16,
		machines: []string{"with AE"}, fits: at(0x80000000, 0x90000000),
		mapped: func(s *Segment) Mapped { return &alifMRAM{s} },
	},
	{
		Name: "alif-ospi", Doc: "alif, serial flash on an OSPI", Source: "ports/alif/vfs_rom_ioctl.c:125, 169, 187",
		Platform: "alif", Chip: "AE722F80F55D5AS", Cells: flashsim.NOR, Erase: 4096,
		machines: []string{"with AE"},
		mapped:   func(s *Segment) Mapped { return &alifOSPI{s} },
	},
}

// mramSector is MRAM_SECTOR_SIZE.
const mramSector = 16

type alifMRAM struct{ *Segment }

func (d *alifMRAM) Prepare(args ...int64) (int, error) {
	if _, max := d.prepareRange(args); max > d.Size { // :115
		return EINVAL, nil
	}
	return mramSector, nil // :122; nothing is erased
}

func (d *alifMRAM) Write(off int64, data []byte) (int, error) {
	if off+int64(len(data)) > d.Size { // :151
		return EINVAL, nil
	}
	if off%mramSector != 0 {
		d.Flash.Harm("write at %d of partition %d, inside a word of MRAM", off, d.Part)
		off -= off % mramSector
	}
	data = d.behind(data, mramSector)               // mram_write_128bit reads whole words
	for ; len(data) > 0; data = data[mramSector:] { // :160
		if err := d.Flash.Program(d.Part, off, data[:mramSector]); err != nil {
			return 0, err
		}
		off += mramSector
	}
	return 0, nil
}

func (d *alifMRAM) MinPrepare() (int, error) {
	if d.Old {
		return EINVAL, nil
	}
	return mramSector, nil // :184
}

type alifOSPI struct{ *Segment }

func (d *alifOSPI) Prepare(args ...int64) (int, error) {
	dest, max := d.prepareRange(args)
	if max > d.Size {
		return EINVAL, nil
	}
	for ; dest < max; dest += d.Erase { // :130
		if err := d.Flash.Erase(d.Part, dest); err != nil {
			return 0, err
		}
	}
	return 4, nil
}

func (d *alifOSPI) Write(off int64, data []byte) (int, error) {
	if off+int64(len(data)) > d.Size {
		return EINVAL, nil
	}
	for len(data) > 0 { // ospi_flash.c:460
		n := min(256-off%256, int64(len(data)))
		if n%4 != 0 { // ospi_flash.c:437: for (; len; len -= 4) passes 0, and pushes on
			return 0, d.Hang()
		}
		if err := d.Flash.Program(d.Part, off, data[:n]); err != nil {
			return 0, err
		}
		off, data = off+n, data[n:]
	}
	return 0, nil
}

func (d *alifOSPI) MinPrepare() (int, error) {
	if d.Old {
		return EINVAL, nil
	}
	return int(d.Erase), nil // :189
}

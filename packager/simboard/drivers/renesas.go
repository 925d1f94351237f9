package drivers

import (
	"slices"

	"rules_romfs/packager/simboard/flashsim"
)

// The renesas-ra port: ports/renesas-ra/storage.c, over ra/ra_flash.c, which for
// every write copies the sector of 2 KiB that it falls in, lays the new bytes
// over it, and programs all of it, without an erase. The chips' manuals forbid
// to program a unit again; nothing is checked, and what goes wrong is dropped.
var renesas = []Driver{
	{
		Name: "renesas-ra4", Doc: "renesas-ra, code flash of RA4M1 and RA4W1, in units of 8 bytes", Source: "ports/renesas-ra/storage.c:443; ra/ra_flash.c:256",
		Platform: "renesas-ra", Chip: "RA4W1", AnyID: true, Cells: flashsim.Cells{Page: 8, Word: 8, Times: 1}, Erase: 2 << 10,
		machines: []string{"with RA4"},
		mapped:   func(s *Segment) Mapped { return &renesasRA{s} },
	},
	{
		Name: "renesas-ra6", Doc: "renesas-ra, code flash of RA6, in units of 128 bytes and blocks of 32 KiB", Source: "ports/renesas-ra/storage.c:443; ra/ra_flash.c:256",
		Platform: "renesas-ra", Chip: "RA6M5", AnyID: true, Cells: flashsim.Cells{Page: 128, Word: 128, Times: 1}, Erase: 32 << 10,
		machines: []string{"with RA"},
		mapped:   func(s *Segment) Mapped { return &renesasRA{s} },
	},
}

// renesasSector is FLASH_SECTOR_SIZE and FLASH_BUF_SIZE (ra_flash.h:50).
const renesasSector = 2048

type renesasRA struct{ *Segment }

func (d *renesasRA) Prepare(args ...int64) (int, error) {
	for dest := int64(0); dest < args[0]; dest += d.Erase { // storage.c:462; a fourth argument is ignored
		if err := d.Flash.Erase(d.Part, dest); err != nil {
			return 0, err
		}
	}
	return 4, nil // :465
}

// Write is flash_write, internal_flash_writex (ra_flash.c:256).
func (d *renesasRA) Write(off int64, data []byte) (int, error) {
	page := d.Flash.Places()[d.Part].Cells.Page
	start, offset := off-off%renesasSector, off%renesasSector
	for len(data) > 0 {
		buf := d.Flash.Read(d.Part, start, renesasSector) // :267
		n := copy(buf[offset:], data)                     // :277
		if err := d.pages(start, buf, page); err != nil { // :292
			return 0, err
		}
		now := d.Flash.Read(d.Part, start, renesasSector)
		if !slices.Equal(now[offset:offset+int64(n)], buf[offset:offset+int64(n)]) { // :305
			return 0, nil
		}
		start, offset, data = start+renesasSector, 0, data[n:]
	}
	return 0, nil // storage.c:477, whatever flash_write returned
}

func (d *renesasRA) MinPrepare() (int, error) { return EINVAL, nil } // :481

package drivers

import (
	"rules_romfs/packager/simboard/flashsim"
)

// The mimxrt port: ports/mimxrt/mimxrt_flash.c, over ports/mimxrt/flash.c. No
// range is checked.
var mimxrt = []Driver{{
	Name: "mimxrt", Doc: "mimxrt, serial flash", Source: "ports/mimxrt/mimxrt_flash.c:100, 131; flash.c:77",
	Platform: "mimxrt", Chip: "MIMXRT1062DVJ6A", Blocks: true, AnyID: true, Cells: flashsim.NOR, Erase: 4096,
	machines: []string{"MIMXRT"},
	blocks:   func(s *Segment) Blocks { return &mimxrtFlash{s} },
}}

type mimxrtFlash struct{ *Segment }

func (d *mimxrtFlash) EraseBlock(n int64) (int, error) {
	return 0, d.Flash.Erase(d.Part, n*d.Erase) // :148
}

// WriteBlocks erases one sector, however long the data is (:110).
func (d *mimxrtFlash) WriteBlocks(n int64, data []byte) (int, error) {
	if err := d.Flash.Erase(d.Part, n*d.Erase); err != nil {
		return 0, err
	}
	return d.Patch(n, data, 0)
}

func (d *mimxrtFlash) Patch(n int64, data []byte, off int64) (int, error) {
	return 0, d.pages(n*d.Erase+off, data, 256) // flash.c:86; :126 returns 0, not None
}

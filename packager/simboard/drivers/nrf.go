package drivers

import (
	"slices"

	"rules_romfs/packager/simboard/flashsim"
)

// The nrf port: ports/nrf/modules/nrf/flashbdev.c, over nrfx_nvmc or, with a
// SoftDevice, drivers/flash.c. Words of 4 bytes are programmed, twice between
// two erases at most (nWRITE in the product specifications). No range is checked.
var nrf = []Driver{
	{
		Name: "nrf51", Doc: "nrf, internal flash of the nRF51", Source: "ports/nrf/modules/nrf/flashbdev.c:79, 100",
		Platform: "nrf51", Chip: "NRF51822", Blocks: true, AnyID: true, Cells: flashsim.Cells{Page: 4, Word: 4, Times: 2}, Erase: 1024,
		machines: []string{"NRF51", "nRF51"},
		blocks:   func(s *Segment) Blocks { return &nrfFlash{s} },
	},
	{
		Name: "nrf", Doc: "nrf, internal flash of the nRF52 and nRF91", Source: "ports/nrf/modules/nrf/flashbdev.c:79, 100",
		Platform: "nrf52", Chip: "NRF52840", Blocks: true, AnyID: true, Cells: flashsim.Cells{Page: 4, Word: 4, Times: 2}, Erase: 4096,
		machines: []string{"NRF", "nRF"},
		blocks:   func(s *Segment) Blocks { return &nrfFlash{s} },
	},
}

type nrfFlash struct{ *Segment }

// write is flash_write_bytes (drivers/flash.c:95): words, and at the ends of a
// range that is not aligned single bytes, each of them a word with ones around it.
func (d *nrfFlash) write(dst int64, src []byte) error {
	for len(src) > 0 {
		n := int64(4)
		if dst%4 != 0 || len(src) < 4 {
			n = 1
		}
		word := slices.Repeat([]byte{0xff}, 4)
		copy(word[dst%4:], src[:n])
		if err := d.Flash.Program(d.Part, dst-dst%4, word); err != nil {
			return err
		}
		dst, src = dst+n, src[n:]
	}
	return nil
}

func (d *nrfFlash) EraseBlock(n int64) (int, error) {
	return 0, d.Flash.Erase(d.Part, n*d.Erase) // :132
}

// WriteBlocks erases one page, however long the data is (:91).
func (d *nrfFlash) WriteBlocks(n int64, data []byte) (int, error) {
	if err := d.Flash.Erase(d.Part, n*d.Erase); err != nil {
		return 0, err
	}
	return 0, d.write(n*d.Erase, data) // :96 returns 0, not None
}

func (d *nrfFlash) Patch(n int64, data []byte, off int64) (int, error) {
	return 0, d.write(n*d.Erase+off, data)
}

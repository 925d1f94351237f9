package flash

import (
	"bytes"
	"testing"

	"rules_romfs/packager/board"
	"rules_romfs/packager/romfs"
)

// TestPorts holds the table against what ports do.
func TestPorts(t *testing.T) {
	t.Parallel()
	nor := func(write, erase int64) *board.Partition {
		return &board.Partition{Medium: board.NOR, Write: write, Erase: erase, Size: 1 << 20}
	}
	memory, blocks := board.Memoryview, board.BlockDevice
	for name, c := range map[string]struct {
		f       Facts
		way     Way
		erasing Erasing
	}{
		"qemu":                 {Facts{Platform: "qemu", Kind: memory}, Overwritten{4}, Never},
		"samd51":               {Facts{Platform: "samd", Machine: "x with SAMD51J20A", Kind: memory, Erase: 512}, Rewritten{4, 8192}, Never},
		"samd51, old":          {Facts{Platform: "samd", Machine: "x with SAMD51J20A", Kind: memory}, Rewritten{4, 8192}, Never},
		"samd51, blocks":       {Facts{Platform: "samd", Machine: "x with SAMD51J20A", Kind: blocks, Erase: 8192}, Rewritten{4, 8192}, ByWrite},
		"samd21":               {Facts{Platform: "samd", Machine: "x with SAMD21G18A", Kind: memory, Erase: 64}, Rewritten{4, 256}, Never},
		"samd, own board file": {Facts{Platform: "samd", Machine: "x with SAMD51J20A", Kind: memory, Erase: 512, Profile: nor(4, 8192)}, Rewritten{4, 8192}, Never},
		"renesas-ra":           {Facts{Platform: "renesas-ra", Kind: memory}, ECC{2048}, FromStart},
		"renesas-ra, own file": {Facts{Platform: "renesas-ra", Kind: memory, Profile: nor(4, 0)}, ECC{2048}, FromStart},
		"nrf":                  {Facts{Platform: "nrf52", Kind: blocks, Erase: 4096}, Twice{NOR{4}}, ByWrite},
		"nrf, own board file":  {Facts{Platform: "nrf52", Kind: blocks, Erase: 4096, Profile: nor(4, 4096)}, Twice{NOR{4}}, ByWrite},
		"esp32":                {Facts{Platform: "esp32", Kind: blocks, Erase: 4096}, NOR{256}, ByWrite},
		"esp32, encrypted":     {Facts{Platform: "esp32", Kind: blocks, Erase: 4096, Encrypted: true, Profile: nor(4, 4096)}, ECC{16}, EachBlock},
		"rp2":                  {Facts{Platform: "rp2", Kind: blocks, Erase: 4096}, NOR{256}, ByWrite},
		"alif, MRAM":           {Facts{Platform: "alif", Kind: memory, Erase: 16}, Overwritten{16}, Never},
		"alif, OSPI":           {Facts{Platform: "alif", Kind: memory, Erase: 4096}, NOR{4}, EachBlock},
		"stm32, serial flash":  {Facts{Platform: "pyboard", Machine: "x with STM32H743VI", Kind: memory, Erase: 4096}, NOR{4}, EachBlock},
		"stm32, OSPI":          {Facts{Platform: "pyboard", Machine: "x with STM32H723VG", Kind: memory}, ECC{32}, FromStart},
		"stm32 by its profile": {Facts{Platform: "pyboard", Machine: "x with STM32H723VG", Kind: memory, Profile: nor(4, 4096)}, NOR{4}, FromStart},
		"F4":                   {Facts{Platform: "pyboard", Machine: "x with STM32F427", Kind: memory, Erase: 131072}, NOR{16}, EachBlock},
		"F7":                   {Facts{Platform: "pyboard", Machine: "x with STM32F767", Kind: memory}, NOR{16}, FromStart},
		"H7":                   {Facts{Platform: "pyboard", Machine: "x with STM32H743VI", Kind: memory, Erase: 131072}, ECC{32}, EachBlock},
		"H5":                   {Facts{Platform: "pyboard", Machine: "x with STM32H573", Kind: memory, Erase: 8192}, ECC{16}, EachBlock},
		"WB":                   {Facts{Platform: "pyboard", Machine: "x with STM32WB55", Kind: memory, Erase: 8192}, ECC{16}, EachBlock},
		"a chip to come":       {Facts{Platform: "pyboard", Machine: "x with STM32V8", Kind: memory, Erase: 8192}, ECC{32}, EachBlock},
		"a port to come":       {Facts{Platform: "new", Kind: memory, Erase: 4096}, NOR{4}, EachBlock},
	} {
		g := Of(c.f)
		if g.Way != c.way || g.Erasing != c.erasing || g.ReadOnly != (name == "qemu") {
			t.Errorf("%s: %#v, erasing %d", name, g.Way, g.Erasing)
		}
	}
}

// TestWays: whatever the way, nothing mounts with the hole, the commit brings
// what is missing, and it programs no byte to another value than is there.
func TestWays(t *testing.T) {
	t.Parallel()
	image := append([]byte(romfs.Magic), bytes.Repeat([]byte{0x81, 0x42, 0x17}, 1000)...)
	for _, w := range []Way{NOR{4}, NOR{256}, Twice{NOR{4}}, ECC{16}, ECC{2048}, Overwritten{16}, Rewritten{4, 256}} {
		before, commit, hole := Before(w, image), w.Commit(image), w.Hole()
		if bytes.HasPrefix(before, []byte(romfs.Magic)[:1]) || !bytes.Equal(before[hole.Size:], image[hole.Size:]) {
			t.Errorf("%s: before the commit % x", w.Name(), before[:8])
		}
		if int64(len(commit)) < hole.Size || !bytes.HasPrefix(image, commit[:min(len(commit), len(image))]) {
			t.Errorf("%s: the commit of %d bytes for a hole of %d", w.Name(), len(commit), hole.Size)
		}
		if hole.Virgin && int64(len(commit)) != hole.Size {
			t.Errorf("%s: the commit programs %d bytes, of which %d are there already", w.Name(), len(commit), int64(len(commit))-hole.Size)
		}
		if old := Invalidated(w, image); w.Invalidate(image[:4]) != nil && (old[0]|old[1]|old[2] != 0 || !bytes.Equal(old[3:], image[3:])) {
			t.Errorf("%s: invalidated, an image is % x", w.Name(), old[:8])
		}
	}
}

// TestTears: an image that was built for the flash loses nothing to a torn
// commit, others do where the commit holds more than the magic.
func TestTears(t *testing.T) {
	t.Parallel()
	plain := append([]byte(romfs.Magic), 0x88, 0x00)
	plain = append(plain, make([]byte, 1024)...)
	for _, w := range []Way{NOR{4}, Twice{NOR{4}}, ECC{16}, ECC{2048}, Overwritten{16}, Rewritten{4, 256}} {
		g := Geometry{Size: 1 << 17, WordBits: 32, Erase: 4096, Unit: 4, Way: w}
		if safe := g.Tears(plain).Safe(); safe != (w.Tears() == 0) {
			t.Errorf("%s: an image for no board is safe: %t", w.Name(), safe)
		}
		wide := append([]byte(romfs.Magic), bytes.Repeat([]byte{0x80}, romfs.StableHeader(w.Tears())-2)...)
		wide = append(append(wide, 0x88, 0x00), make([]byte, 1024)...)
		if torn := g.Tears(wide); !torn.Safe() {
			t.Errorf("%s: an image with a header of %d bytes: %v", w.Name(), len(wide)-1024, torn)
		}
	}
}

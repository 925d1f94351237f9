package romfs_test

import (
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"

	"rules_romfs/internal/vfsrom"
	"rules_romfs/packager/romfs"
)

// tornStates calls yield with every state of the image's first unit bytes in
// which the magic is complete: without it, nothing mounts.
func tornStates(image []byte, m romfs.Commit, yield func([]byte)) {
	var at []int // bit numbers that may keep their old value
	old := func(i int) byte {
		if m.Before == nil {
			return 0xff
		}
		return m.Before[i]
	}
	for i := 3; i < min(m.Unit, len(image)); i++ {
		for bit := range 8 {
			if (old(i)^image[i])>>bit&1 == 1 {
				at = append(at, i*8+bit)
			}
		}
	}
	torn := make([]byte, len(image))
	for state := range 1 << len(at) {
		copy(torn, image)
		for k, bit := range at {
			if state>>k&1 == 1 {
				torn[bit/8] ^= 1 << (bit % 8)
			}
		}
		yield(torn)
	}
}

// mount32 is what a 32-bit board does with an image when it mounts: nil if it
// refuses, else the bounds of the payload as addresses.
func mount32(b []byte, m romfs.Commit) *[2]uint32 {
	if string(b[:3]) != "\xd2\xcd\x31" {
		return nil
	}
	var length uint32
	for i := 3; i < len(b); i++ {
		length = length<<7 | uint32(b[i]&0x7f)
		if b[i] < 0x80 {
			start := uint32(m.Base) + uint32(i) + 1
			if start+length > uint32(m.Base)+uint32(m.Size) {
				return nil
			}
			return &[2]uint32{start, start + length}
		}
	}
	return nil // in these tests some byte ends every length
}

// TestTornCommit compares with every single state of a torn unit.
func TestTornCommit(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(13, 14))
	seen := map[romfs.Torn]int{}
	for range 3000 {
		// A header of any width, a little payload, a partition and a base.
		payload := uint32(1)<<r.IntN(22) + uint32(r.IntN(3000))
		head := []byte("\xd2\xcd\x31")
		width := 1 + r.IntN(8)
		for i := width - 1; i >= 0; i-- {
			b := byte(0)
			if i < 5 {
				b = byte(payload >> (7 * i) & 0x7f)
			}
			if i > 0 {
				b |= 0x80
			}
			head = append(head, b)
		}
		payload = 0
		for _, b := range head[3:] {
			payload = payload<<7 | uint32(b&0x7f)
		}
		image := append(head, 5, 5, 1, 0x61, 2, 1, 0x78)
		size := int64(len(head)) + int64(payload)
		m := romfs.Commit{Base: []uint64{0, 0x08100000, 0x60800000, 0x90B00000, 0xC1000000}[r.IntN(5)], Size: size + int64(r.IntN(3))<<r.IntN(24), Unit: 1 + r.IntN(5)}
		m.Terminated = r.IntN(4) == 0
		if r.IntN(4) == 0 {
			m.Before = make([]byte, m.Unit)
			for i := range m.Before {
				// Few differences, so that there are not too many states.
				m.Before[i] = image[i] ^ 1<<r.IntN(8) ^ 1<<r.IntN(8) ^ byte(r.IntN(2))*byte(r.Uint32())
			}
		}
		var want romfs.Torn
		whole := mount32(image, m)
		tornStates(image, m, func(b []byte) {
			got := mount32(b, m)
			switch {
			case got == nil:
			case got[1] < got[0]:
				want.Wrapped = true
			case got[0] != whole[0]:
				want.Moved = true
			case got[1] > whole[1]:
				want.Longer = !m.Terminated
			case got[1] < whole[1]:
				want.Shorter = true
			case string(b[len(head):]) != string(image[len(head):]):
				want.Content = true
			}
		})
		got := romfs.TornCommit(image, size, m)
		if got != want {
			t.Fatalf("% x of %d bytes on %+v: %+v, every state tried: %+v", image, size, m, got, want)
		}
		seen[got]++
	}
	// 0x27 was 0x28 before: the next longer length is a byte longer, and there is
	// room for one byte.
	rare := romfs.Commit{Base: 0x08000000, Size: 4 + 0x28, Unit: 4, Before: unhex(t, "d2cd3128")}
	if torn := romfs.TornCommit(unhex(t, "d2cd312705"), 4+0x27, rare); torn != (romfs.Torn{Longer: true, Shorter: true}) {
		t.Errorf("the next longer length: %+v", torn)
	}
	if len(seen) < 8 {
		t.Errorf("only %d kinds of result: %v", len(seen), seen)
	}
}

// TestTornBounds: commits at the bounds of partitions, words and what is known.
func TestTornBounds(t *testing.T) {
	t.Parallel()
	// With this before it, only the low bits of the length can be torn, or only whether
	// it goes on.
	low, on := []byte(romfs.Magic+"\x7f"), []byte(romfs.Magic+"\x81")
	short := romfs.Magic + "\x10" + strings.Repeat("\x00", 0x10)
	stable := romfs.Magic + strings.Repeat("\x80", romfs.StableHeader(16)-1) + "\x02\x01\x00"
	for name, c := range map[string]struct {
		image string
		m     romfs.Commit
		want  romfs.Torn
	}{
		"a length to the end of the words":  {short, romfs.Commit{Base: 1<<32 - 4 - 0x7f, Size: 0x14, Unit: 4, Before: low}, romfs.Torn{Wrapped: true}},
		"and one less":                      {short, romfs.Commit{Base: 1<<32 - 4 - 0x80, Size: 0x14, Unit: 4, Before: low}, romfs.Torn{}},
		"the next longer one fits":          {short, romfs.Commit{Size: 4 + 0x11, Unit: 4, Before: low}, romfs.Torn{Longer: true}},
		"and not":                           {short, romfs.Commit{Size: 4 + 0x10, Unit: 4, Before: low}, romfs.Torn{}},
		"it fits, and shows nothing":        {short, romfs.Commit{Size: 4 + 0x11, Unit: 4, Before: low, Terminated: true}, romfs.Torn{}},
		"the length goes on and fits":       {romfs.Magic + "\x01\x05", romfs.Commit{Size: 5 + 133, Unit: 4, Before: on}, romfs.Torn{Moved: true}},
		"and does not":                      {romfs.Magic + "\x01\x05", romfs.Commit{Size: 5 + 132, Unit: 4, Before: on}, romfs.Torn{}},
		"on into what is not known":         {romfs.Magic + "\x81\x82", romfs.Commit{Size: 1000, Unit: 3}, romfs.Torn{Moved: true}},
		"an image shorter than its unit":    {romfs.Magic + "\x00", romfs.Commit{Size: 4, Unit: 16, Before: []byte(romfs.Magic + "\x00")}, romfs.Torn{}},
		"and nothing is there before it":    {romfs.Magic + "\x00", romfs.Commit{Size: 4, Unit: 16}, romfs.Torn{Moved: true}},
		"nothing is behind the words":       {short, romfs.Commit{Base: 1<<32 - 4, Size: 0x14, Unit: 4, Before: low}, romfs.Torn{}},
		"its content is torn":               {romfs.Magic + "\x02\x01\x00", romfs.Commit{Size: 6, Unit: 6, Before: []byte(romfs.Magic + "\x02\x01\x01")}, romfs.Torn{Content: true}},
		"and is outside of the unit":        {romfs.Magic + "\x02\x01\x00", romfs.Commit{Size: 6, Unit: 5, Before: []byte(romfs.Magic + "\x02\x01\x01")}, romfs.Torn{}},
		"the rest of the unit is there":     {romfs.Magic + "\x02\x01\x00", romfs.Commit{Size: 6, Unit: 6, Before: []byte(romfs.Magic + "\x02")}, romfs.Torn{}},
		"a header that 32 bits shift out":   {stable, romfs.Commit{Base: 1 << 30, Size: 1 << 20, Unit: 16}, romfs.Torn{}},
		"and 64 bits do not, but it wraps":  {stable, romfs.Commit{Base: 1 << 36, Size: 1 << 20, Unit: 16, WordBits: 64}, romfs.Torn{Wrapped: true}},
		"magic alone, where no bit is torn": {short, romfs.Commit{Size: 1 << 20, Unit: 3}, romfs.Torn{}},
	} {
		if got := romfs.TornCommit([]byte(c.image), int64(len(c.image)), c.m); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	for torn, want := range map[romfs.Torn]string{
		{}:             "nothing, or the whole image",
		{Longer: true}: "the image with whatever follows it",
		{Shorter: true, Moved: true, Wrapped: true, Content: true}: "the image without its end; or junk, through a length of another width; " +
			"or an empty file system, through a length that wraps; or the image with its first records incomplete",
	} {
		if got := torn.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for unit, want := range map[int64]int{-1: 6, 0: 6, 1: 5, 3: 5, 4: 6, 7: 9, 16: 18} {
		if got := romfs.StableHeader(unit); got != want {
			t.Errorf("a unit of %d wants a header of %d, not %d", unit, want, got)
		}
	}
}

// TestHeaderSurvivesTornCommit holds the header that is made for a write unit to
// what it is for: on every board of the field, 32-bit, whatever of the first unit is torn.
func TestHeaderSurvivesTornCommit(t *testing.T) {
	t.Parallel()
	root := dir("", file("main.py", strings.Repeat("x", 5000)))
	for _, m := range []romfs.Commit{
		{Base: 0x90B00000, Size: 4 << 20, Unit: 4},    // Portenta H7, Giga, Nicla Vision
		{Base: 0x91800000, Size: 8 << 20, Unit: 4},    // OpenMV H7 Plus
		{Base: 0x60800000, Size: 8 << 20, Unit: 4},    // OpenMV RT1062
		{Base: 0x70800000, Size: 24 << 20, Unit: 4},   // OpenMV N6
		{Base: 0xA0800000, Size: 24 << 20, Unit: 4},   // OpenMV AE3
		{Base: 0x8047E000, Size: 1 << 20, Unit: 16},   // its MRAM
		{Base: 0x081E0000, Size: 128 << 10, Unit: 32}, // OpenMV H7
		{Base: 0x080E0000, Size: 128 << 10, Unit: 16}, // OpenMV M4
		{Base: 0xFFE00000, Size: 2 << 20, Unit: 8},
	} {
		for _, layout := range []romfs.Layout{romfs.Compact, romfs.Stable} {
			p, b := build(t, root, romfs.Options{Layout: layout, WriteUnit: int64(m.Unit)})
			if torn := romfs.TornCommit(b, p.Size, m); !torn.Safe() {
				t.Errorf("%v, %+v: a board may mount %v", layout, m, torn)
			}
		}
		// Only the magic is programmed last: safe for any image.
		_, compact := build(t, root, romfs.Options{})
		m.Unit = 3
		if torn := romfs.TornCommit(compact, int64(len(compact)), m); !torn.Safe() {
			t.Errorf("%+v, the magic last: a board may mount %v", m, torn)
		}
	}
	// On MRAM only the magic changes in the last write.
	_, compact := build(t, root, romfs.Options{})
	mram := romfs.Commit{Base: 0x8047E000, Size: 1 << 20, Unit: 16, Before: append(make([]byte, 3), compact[3:16]...)}
	if torn := romfs.TornCommit(compact, int64(len(compact)), mram); !torn.Safe() {
		t.Errorf("MRAM: a board may mount %v", torn)
	}
	mram.Before = make([]byte, 16)
	if torn := romfs.TornCommit(compact, int64(len(compact)), mram); !torn.Shorter || !torn.Moved || !torn.Content {
		t.Errorf("MRAM of zeros: %v", torn)
	}
	// The smallest header is not safe, nor is one of five bytes where the
	// partition is mapped high.
	_, b := build(t, root, romfs.Options{})
	if torn := romfs.TornCommit(b, int64(len(b)), romfs.Commit{Base: 0x90B00000, Size: 4 << 20, Unit: 4}); !torn.Longer {
		t.Errorf("a compact image: %v", torn)
	}
	five := unhex(t, "d2cd31 8080808007 0505016102 0178")
	if torn := romfs.TornCommit(five, int64(len(five)), romfs.Commit{Base: 0x90B00000, Size: 4 << 20, Unit: 4}); torn != (romfs.Torn{Wrapped: true}) {
		t.Errorf("a length of five bytes: %v", torn)
	}
}

// TestDriverOnTornCommit gives every state of the first four bytes to the real
// driver, which must refuse it or read the whole image.
func TestDriverOnTornCommit(t *testing.T) {
	t.Parallel()
	_, b := build(t, dir("", file("a", "x"), dir("d", file("b", "yy"))), romfs.Options{Layout: romfs.Stable})
	flash := append(b, strings.Repeat("\xff", 4096-len(b))...)
	var cases []vfsrom.Case
	m := romfs.Commit{Size: int64(len(flash)), Unit: 4, WordBits: 64}
	add := func(first []byte) {
		cases = append(cases, vfsrom.Case{Image: hex.EncodeToString(first) + hex.EncodeToString(flash[4:])})
	}
	tornStates(flash[:4], m, add)
	for bit := range 24 {
		if first := []byte(string(flash[:4])); first[bit/8]>>(bit%8)&1 == 0 {
			first[bit/8] |= 1 << (bit % 8)
			add(first)
		}
	}
	if torn := romfs.TornCommit(flash, int64(len(b)), m); !torn.Safe() {
		t.Errorf("on a 64-bit host a driver may mount %v", torn)
	}
	mounted := 0
	for i, got := range vfsrom.Run(t, cases, 60) {
		if got.Mount == 19 { // ENODEV
			continue
		}
		mounted++
		if got.Died || got.Mount != 0 || len(got.List) != 3 || got.List["/d/b"].Size != 2 {
			t.Errorf("%.24s: the driver mounts %+v", cases[i].Image, got)
		}
	}
	if mounted != 1 {
		t.Errorf("%d states of %d mount", mounted, len(cases))
	}
}

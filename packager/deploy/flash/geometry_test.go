package flash

import (
	"bytes"
	"testing"

	"rules_romfs/packager/board"
)

// TestGeometry: units and bounds to the byte.
func TestGeometry(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n, unit, want int64
	}{{0, 4, 0}, {1, 4, 4}, {4, 4, 4}, {5, 4, 8}, {4096, 4096, 4096}, {4097, 4096, 8192}} {
		if got := RoundUp(c.n, c.unit); got != c.want {
			t.Errorf("%d rounded up to %d is %d, not %d", c.n, c.unit, got, c.want)
		}
	}
	for _, c := range []struct {
		erase   int64
		erasing Erasing
		want    int64
	}{{0, EachBlock, 4096}, {16, Never, 4096}, {24, Never, 4104}, {512, EachBlock, 4096}, {4096, EachBlock, 4096}, {131072, EachBlock, 131072}, {512, ByWrite, 512}, {0, ByWrite, 1}, {4095, EachBlock, 8190}} {
		if got := (&Geometry{Erase: c.erase, Erasing: c.erasing}).Block(); got != c.want {
			t.Errorf("blocks of %d, erasing %d, are %d, not %d", c.erase, c.erasing, got, c.want)
		}
	}
	g := Geometry{Size: 8192, Erase: 4096, Unit: 16, Way: Overwritten{16}}
	if n := g.Padded(17); n != 32 {
		t.Errorf("padded: %d", n)
	}
	for way, want := range map[Way]int64{ECC{32}: 4096, Twice{NOR{4}}: 4096, NOR{4}: 3, Overwritten{4}: 3, Rewritten{4, 8192}: 3} {
		g := Geometry{Size: 8192, Erase: 4096, Unit: 4, Way: way}
		if n := g.Lost(); n != want {
			t.Errorf("%s: %d bytes are lost, not %d", way.Name(), n, want)
		}
	}
}

// TestTerminated: a zero follows an image whose length the commit may tear, where
// there is room for it, and nowhere else.
func TestTerminated(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		way  Way
		n    int64
		want bool
	}{
		{NOR{4}, 1000, false},
		{ECC{32}, 31, false}, {ECC{32}, 32, true}, {ECC{32}, 4095, true}, {ECC{32}, 4096, true},
		{ECC{32}, 8159, true}, {ECC{32}, 8191, true}, {ECC{32}, 8192, false},
	} {
		g := Geometry{Size: 8192, Erase: 4096, Unit: 32, Way: c.way}
		if got := g.Terminated(c.n); got != c.want {
			t.Errorf("%s, %d bytes: %v", c.way.Name(), c.n, got)
		}
	}
	if g := (Geometry{Size: 8191, Unit: 1, Way: ECC{8}}); !g.Terminated(8190) || g.Terminated(8191) {
		t.Error("to the last byte")
	}
	g := Geometry{Size: 8192, Unit: 32, Way: ECC{32}} // of which no erase unit is known
	if !g.Terminated(8159) || g.Terminated(8192) {
		t.Error("without an erase unit")
	}
}

// TestWithUnit: firmware that writes more at a time has its way written so.
func TestWithUnit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		way     Way
		guessed bool
		want    Way
	}{
		{NOR{4}, false, NOR{64}}, {NOR{4}, true, ECC{64}}, {Twice{NOR{4}}, false, Twice{NOR{64}}}, {ECC{16}, true, ECC{64}},
		{Overwritten{4}, false, Overwritten{64}}, {Rewritten{4, 8192}, false, Rewritten{64, 8192}},
	} {
		g := Geometry{Unit: 4, Way: c.way, Guessed: c.guessed}.WithUnit(64)
		if g.Unit != 64 || g.Way != c.want {
			t.Errorf("%#v: %#v, unit %d", c.way, g.Way, g.Unit)
		}
	}
	if g := (Geometry{Unit: 16, Way: NOR{4}}).Once(); g.Way != (ECC{16}) {
		t.Errorf("once: %#v", g.Way)
	}
}

// TestOrders: to the byte, what each way programs before the image, and last.
func TestOrders(t *testing.T) {
	t.Parallel()
	image := []byte("abcde")
	for _, c := range []struct {
		way                     Way
		invalid, before, commit string
		tears                   int64
		virgin                  bool
	}{
		{NOR{4}, "\x00\x00\x00de", "\xff\xff\xffde", "abcd", 0, false},
		{NOR{8}, "\x00\x00\x00de", "\xff\xff\xffde", "abcde\xff\xff\xff", 0, false},
		{Twice{NOR{4}}, "", "\xff\xff\xffde", "abcd", 0, false},
		{ECC{4}, "", "\xff\xff\xff\xffe", "abcd", 4, true},
		{ECC{8}, "", "\xff\xff\xff\xff\xff", "abcde\xff\xff\xff", 8, true},
		{Overwritten{4}, "\x00\x00\x00de", "\x00\x00\x00de", "abcd", 0, false},
		{Rewritten{4, 8}, "\x00\x00\x00de", "\xff\xff\xffde", "abcd", 8, false},
	} {
		invalid, before, commit := c.way.Invalidate(image), Before(c.way, image), c.way.Commit(image)
		if string(invalid) != c.invalid || string(before) != c.before || string(commit) != c.commit || c.way.Tears() != c.tears || c.way.Hole().Virgin != c.virgin {
			t.Errorf("%#v: %q, then %q, then %q; tears %d", c.way, invalid, before, commit, c.way.Tears())
		}
		if !bytes.Equal(image, []byte("abcde")) {
			t.Fatalf("%#v changed the image", c.way)
		}
	}
	if b := (NOR{4}).Invalidate([]byte("ab")); string(b) != "\x00\x00" {
		t.Errorf("less than a magic is %q", b)
	}
}

// TestOf: what the firmware says counts before the profile, and what is always so of a
// port counts before both.
func TestOf(t *testing.T) {
	t.Parallel()
	memory, blocks := board.Memoryview, board.BlockDevice
	nor := board.Partition{Medium: board.NOR, Write: 8, Erase: 4096, Base: 0x9000_0000}
	with := func(change func(*board.Partition)) *board.Partition {
		p := nor
		change(&p)
		return &p
	}
	unknown := Facts{Platform: "new", Kind: memory, Size: 1 << 20, WordBits: 64}
	h7 := Facts{Platform: "pyboard", Machine: "x with STM32H743VI", Kind: memory, Erase: 131072}
	facts := func(f Facts, erase int64, p *board.Partition) Facts {
		f.Erase, f.Profile = erase, p
		return f
	}
	for name, c := range map[string]struct {
		f    Facts
		want Geometry
	}{
		"nothing is known":                  {unknown, Geometry{Size: 1 << 20, WordBits: 64, Erasing: FromStart, Unit: 4, Way: NOR{4}, Guessed: true}},
		"the smallest erase":                {facts(unknown, 1, nil), Geometry{Size: 1 << 20, WordBits: 64, Erase: 1, Erasing: EachBlock, Unit: 4, Way: NOR{4}, Guessed: true}},
		"a profile":                         {facts(unknown, 0, &nor), Geometry{Size: 1 << 20, WordBits: 32, Base: 0x9000_0000, Erase: 4096, Erasing: FromStart, Unit: 8, Way: NOR{8}}},
		"the firmware tells the erase":      {facts(unknown, 512, &nor), Geometry{Size: 1 << 20, WordBits: 32, Base: 0x9000_0000, Erase: 512, Erasing: EachBlock, Unit: 8, Way: NOR{8}}},
		"the profile knows no erase":        {facts(unknown, 0, with(func(p *board.Partition) { p.Erase = 1 })), Geometry{Size: 1 << 20, WordBits: 32, Base: 0x9000_0000, Erasing: FromStart, Unit: 8, Way: NOR{8}}},
		"the profile has a small erase":     {facts(unknown, 0, with(func(p *board.Partition) { p.Erase = 2 })), Geometry{Size: 1 << 20, WordBits: 32, Base: 0x9000_0000, Erase: 2, Erasing: FromStart, Unit: 8, Way: NOR{8}}},
		"a profile of less than a magic":    {facts(h7, 131072, with(func(p *board.Partition) { p.Write = 1 })), Geometry{WordBits: 32, Base: 0x9000_0000, Erase: 131072, Erasing: EachBlock, Unit: 4, Way: NOR{4}}},
		"a profile that knows no unit":      {facts(h7, 131072, with(func(p *board.Partition) { p.Write = 0 })), Geometry{WordBits: 32, Base: 0x9000_0000, Erase: 131072, Erasing: EachBlock, Unit: 32, Way: ECC{32}}},
		"read only":                         {facts(h7, 131072, with(func(p *board.Partition) { p.Write, p.ReadOnly = 0, true })), Geometry{WordBits: 32, Base: 0x9000_0000, Erase: 131072, Erasing: EachBlock, Unit: 4, Way: NOR{4}, ReadOnly: true}},
		"words programmed once":             {facts(h7, 131072, with(func(p *board.Partition) { p.Programs = 1 })), Geometry{WordBits: 32, Base: 0x9000_0000, Erase: 131072, Erasing: EachBlock, Unit: 8, Way: ECC{8}}},
		"a block device":                    {Facts{Platform: "new", Kind: blocks, Erase: 4096, Profile: &nor}, Geometry{WordBits: 32, Base: 0x9000_0000, Erase: 4096, Erasing: ByWrite, Unit: 8, Way: NOR{8}}},
		"a block device with ECC":           {Facts{Platform: "new", Kind: blocks, Erase: 4096, Profile: with(func(p *board.Partition) { p.Medium = board.ECC })}, Geometry{WordBits: 32, Base: 0x9000_0000, Erase: 4096, Erasing: EachBlock, Unit: 8, Way: ECC{8}}},
		"samd rewrites more than it says":   {Facts{Platform: "samd", Machine: "x with SAMD51J20A", Kind: memory, Erase: 512}, Geometry{Erase: 8192, Erasing: Never, Unit: 4, Way: Rewritten{4, 8192}}},
		"samd erases more than it rewrites": {Facts{Platform: "samd", Machine: "x with SAMD21G18A", Kind: memory, Erase: 512}, Geometry{Erase: 512, Erasing: Never, Unit: 4, Way: Rewritten{4, 256}}},
		"samd, read only":                   {Facts{Platform: "samd", Machine: "x with SAMD51J20A", Kind: memory, Profile: with(func(p *board.Partition) { p.ReadOnly = true })}, Geometry{WordBits: 32, Base: 0x9000_0000, Erase: 8192, Erasing: Never, Unit: 8, Way: Rewritten{8, 8192}, ReadOnly: true}},
	} {
		if got := Of(c.f); got != c.want {
			t.Errorf("%s:\n%#v, want\n%#v", name, got, c.want)
		}
	}
}

// TestStricter: what two accounts have in common is the stricter of both, in each respect.
func TestStricter(t *testing.T) {
	t.Parallel()
	nor, ecc := traits{medium: board.NOR, unit: 4}, traits{medium: board.ECC, unit: 16, piecewise: true}
	for _, c := range []struct{ a, b, want traits }{
		{nor, nor, nor},
		{nor, ecc, ecc},
		{traits{medium: board.NOR, unit: 32}, ecc, traits{medium: board.ECC, unit: 32, piecewise: true}},
		{traits{rewrites: 256}, traits{rewrites: 512}, traits{rewrites: 512}},
		{traits{rewrites: 512}, traits{rewrites: 256}, traits{rewrites: 512}},
		{traits{programs: 0}, traits{programs: 2}, traits{programs: 2}},
		{traits{programs: 2}, traits{programs: 0}, traits{programs: 2}},
		{traits{programs: 1}, traits{programs: 2}, traits{programs: 1}},
		{traits{programs: 3}, traits{programs: 2}, traits{programs: 2}},
		{traits{programs: 3}, traits{programs: 1}, traits{programs: 1}},
		{traits{readOnly: true}, traits{}, traits{readOnly: true}},
		{traits{}, traits{readOnly: true}, traits{readOnly: true}},
	} {
		if got := c.a.and(c.b); got != c.want {
			t.Errorf("%+v and %+v: %+v", c.a, c.b, got)
		}
	}
}

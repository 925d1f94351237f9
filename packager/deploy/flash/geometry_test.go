package flash

import "testing"

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
	}{{0, EachBlock, 4096}, {16, Never, 4096}, {24, Never, 4104}, {512, EachBlock, 4096}, {4096, EachBlock, 4096}, {131072, EachBlock, 131072}, {512, ByWrite, 512}, {4095, EachBlock, 8190}} {
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

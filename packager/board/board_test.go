package board

import "testing"

func TestLookup(t *testing.T) {
	p, err := Lookup("openmv-n6")
	if err != nil {
		t.Fatal(err)
	}
	part, err := p.Partition("romfs0")
	if err != nil {
		t.Fatal(err)
	}
	if part.Base != 0x70800000 || part.Size != 24<<20 || p.Align[0].To != 32 {
		t.Errorf("got %+v, %+v", p, part)
	}
}

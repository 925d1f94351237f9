package fold

import "testing"

func TestName(t *testing.T) {
	const nfc, nfd = "\u00e4", "a\u0308"
	for _, c := range []struct {
		a, b                       string
		none, byCase, byForm, both bool
	}{
		{"Readme", "README", false, true, false, true},
		{nfc, nfd, false, false, true, true},
		{"\u00c4", nfd, false, false, false, true},
		{"stra\u00dfe", "STRASSE", false, false, false, false},
		{"\u03c3", "\u03c2", false, true, false, true}, // two small sigmas
		{"a", "b", false, false, false, false},
		{"a", "a", true, true, true, true},
	} {
		for f, want := range map[Folding]bool{{}: c.none, {Case: true}: c.byCase, {Normalization: true}: c.byForm, {Case: true, Normalization: true}: c.both} {
			if got := f.Name(c.a) == f.Name(c.b); got != want {
				t.Errorf("%+v: %q and %q are one: %v, want %v", f, c.a, c.b, got, want)
			}
		}
	}
	if !ByCase("Readme", "README") || ByCase(nfc, nfd) {
		t.Error("ByCase is wrong")
	}
}

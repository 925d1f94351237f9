package romfs_test

import (
	"bytes"
	"strings"
	"testing"

	"rules_romfs/packager/romfs"
)

// TestMessages: the numbers in what Validate says, worked by hand.
func TestMessages(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"d2 cd 31 08 | 05 04 01 61 02 00":             {"error: . at offset 3: it should have 12 bytes, and 2 are missing;"},
		"d2 cd 31 90 80 80 80 00 | 05 04 01 61 02 00": {"error: . at offset 3: its length exceeds 32 bits,"},
		"d2 cd 31 8f ff ff ff 7f | 05 04 01 61 02 00": {"error: . at offset 3: it should have 4294967303 bytes, and 4294967289 are missing;"},
		"d2 cd 31 06 | 05 07 01 61 02 00":             {"error: . at offset 4: a record of kind 5 should have 7 bytes, 4 fit into its parent:"},
		"d2 cd 31 06 | 05 04 01 61 02 05": {
			"error: a at offset 4: the file has no data record:",
			"error: a at offset 8: a record of kind 2 should have 5 bytes, 0 fit into its parent:",
		},
		"d2 cd 31 06 | 04 04 7f 64 01 00": {"error: . at offset 4: a name should have 127 bytes, 3 fit into its record;"},
		"d2 cd 31 0a | 05 04 7f 61 02 00 05 02 01 62": {
			"error: . at offset 4: a name should have 127 bytes, 3 fit into its record;",
			"error: b at offset 10: the file has no data record:",
		},
		"d2 cd 31 06 | 04 04 00 01 01 00":       {"error: . at offset 4: a directory without a name "},
		"d2 cd 31 06 | 04 04 03 2f 64 61":       {"error: /da at offset 4: a slash in the name of a directory:"},
		"d2 cd 31 08 | 05 06 03 00 2f 64 02 00": {"error: \x00/d at offset 4: a NUL byte in the name of a file:"},
		"d2 cd 31 08 | 05 06 01 61 03 02 05 08": {"error: a at offset 8: its data pointer, to 5 bytes at 8 bytes, leaves the image, whose payload has 8 bytes:"},
		"d2 cd 31 0c | 05 0a 01 61 02 00 02 00 02 00 01 00": {
			"warning: a at offset 10: a second data record,",
			"warning: a at offset 12: a second data record,",
		},
		"d2 cd 31 0c | 05 0a 01 61 02 00 02 00 03 02 7f 7f": {"warning: a at offset 10: a second data record,", "warning: a at offset 12: a second data record,"},
		"d2 cd 31 12 | 05 04 01 61 02 00 05 04 01 61 02 00 05 04 01 61 02 00": {
			"error: a at offset 10: a second entry of this name (the first is at offset 4):",
			"error: a at offset 16: a second entry of this name (the first is at offset 4):",
		},
	} {
		b := unhex(t, in)
		got := romfs.Validate(bytes.NewReader(b), int64(len(b)))
		same := len(got) == len(want)
		for i := range min(len(got), len(want)) {
			same = same && strings.HasPrefix(got[i].String(), want[i])
		}
		if !same {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

// TestDamageOnly: names that nothing finds are a problem, and hide no file.
func TestDamageOnly(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int{
		"d2 cd 31 06 | 04 04 00 01 01 00":                   0,
		"d2 cd 31 0c | 05 04 01 61 02 00 05 04 01 61 02 00": 0, // a second of the name
		"d2 cd 31 08 | 05 06 01 61 02 00 00 00":             0, // damage behind the data, which nobody reads
		"d2 cd 31 06 | 05 04 01 61 01 00":                   1, // no data
	} {
		b := unhex(t, in)
		if got := romfs.Damage(bytes.NewReader(b), int64(len(b))); len(got) != want {
			t.Errorf("%s: %v", in, got)
		}
		if len(romfs.Validate(bytes.NewReader(b), int64(len(b)))) == 0 {
			t.Errorf("%s is without a problem", in)
		}
	}
}

// TestProblemBounds: the longest path that is told in whole, and where the last of too
// many problems is.
func TestProblemBounds(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{4096: 4096, 4097: 4096 + len("…")} {
		name := strings.Repeat("x", n)
		record := append([]byte{5}, number(n+2)...)
		record = append(append(record, 0x80|byte(n>>7), byte(n&0x7f)), name...)
		got := validate(image(record))
		if p := got[len(got)-1]; p.Code != romfs.CodeNoData || len(p.Path) != want || strings.HasPrefix(p.Path, "…") != (n > 4096) {
			t.Errorf("a path of %d bytes: %.80v", n, p)
		}
	}
	var b []byte
	for range 2000 {
		b = append(b, 5, 2, 1, 'x')
	}
	whole := image(b)
	got := validate(whole)
	if last := got[len(got)-1]; last.Code != romfs.CodeMore || last.Offset != int64(len(whole)-4) {
		t.Errorf("the last is %v, and the image has %d bytes", last, len(whole))
	}
}

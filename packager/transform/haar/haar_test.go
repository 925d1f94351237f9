package haar

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What testdata/old.xml and new.xml come to, worked by hand from the rules in
// the package comment.
const (
	wholeGolden = "14000000" + "18000000" + "02000000" + // 20 x 24, 2 stages
		"02" + "01" + "0000" + // of 2 and 1 classifiers; up to a multiple of 4
		"c0fe" + "ff00" + // -1.25 * 256 = -320; 0.999 * 256 = 255.7
		"0000" + "0004" + "ff7f" + // -0.0001 * 4096 = -0.4; 1024; 32767.6
		"8000" + "ff7f" + "0000" + // left: 128; 32767.5; 0
		"80ff" + "feff" + "0080" + // right: -128; -2.56; -32768
		"02" + "03" + "01" +
		"ff02" + "ff037f" + "80" +
		"01020304" + "05060708" +
		"00007f7f" + "090a0b0c" + "0d0e0f10" +
		"11121314"
	firstGolden = "14000000" + "18000000" + "01000000" +
		"02" + "000000" +
		"c0fe" +
		"0000" + "0004" +
		"8000" + "ff7f" +
		"80ff" + "feff" +
		"02" + "03" +
		"ff02" + "ff037f" +
		"01020304" + "05060708" +
		"00007f7f" + "090a0b0c" + "0d0e0f10"
)

func read(tb testing.TB, name string) string {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return string(data)
}

func TestConvert(t *testing.T) {
	t.Parallel()
	old, trained := read(t, "old.xml"), read(t, "new.xml")
	nameless := strings.Replace(trained, ` type_id="opencv-cascade-classifier"`, "", 1)
	if nameless == trained {
		t.Fatal("new.xml has no type_id to remove")
	}
	for name, xml := range map[string]string{"old": old, "new": trained, "new without type_id": nameless} {
		for stages, want := range map[int]string{0: wholeGolden, 1: firstGolden, 2: wholeGolden} {
			got, err := Convert(strings.NewReader(xml), stages)
			if err != nil {
				t.Fatalf("%s, %d stages: %v", name, stages, err)
			}
			if hex.EncodeToString(got) != want {
				t.Errorf("%s, %d stages:\n%x, want\n%s", name, stages, got, want)
			}
		}
		c, err := Parse(strings.NewReader(xml))
		if err != nil {
			t.Fatal(err)
		}
		if c.Tilted() != 1 {
			t.Errorf("%s: %d tilted features, want 1", name, c.Tilted())
		}
		for _, stages := range []int{-1, 3} {
			var out *StagesError
			if _, err := Convert(strings.NewReader(xml), stages); !errors.As(err, &out) || out.Have != 2 {
				t.Errorf("%s, %d stages: %v, want a StagesError", name, stages, err)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	old, trained := read(t, "old.xml"), read(t, "new.xml")
	stump := "<threshold>-0.0001</threshold>\n            <left_val>0.5</left_val>"
	for _, c := range []struct{ in, replace, by, want string }{
		{"", "", "", "line 1: the file has no XML element"},
		{"stages: 3\n", "", "", "line 2: the file has no XML element"},
		{"<svg></svg>", "", "", "line 1: <svg> is no file of OpenCV"},
		{"<opencv_storage>\n</opencv_storage>", "", "", "line 1: no cascade in the file"},
		{old, "</size>", "", "line 50: this is no XML: element <size> closed by </two_stages>"},
		{old[:200], "", "", "line 8: this is no XML: unexpected EOF"},
		{old, "20 24", "&boom;", "line 5: this is no XML: invalid character entity"},
		{old, "20 24", "20", "line 5: <size> has 1 number, not 2"},
		{old, "20 24", "20 128", "line 5: 128 in <size> is no whole number from 1 to 127"},
		{old, "20 24", "0 24", "line 5: 0 in <size> is no whole number"},
		{old, "20 24", "20 x", `line 5: "x" in <size> is no number`},
		{old, "20 24", "20 NaN", `line 5: "NaN" in <size> is no number`},
		{old, "<size>20 24</size>", "", "line 4: <two_stages> has no <size>"},
		{old, "1 2 3 4 -1.", "1 2 3 4 -1.5", "line 16: -1.5 in <_> is no whole number from -128 to 127"},
		{old, "1 2 3 4 -1.", "1 2 3 200 -1.", "line 16: 200 in <_> is no whole number from 0 to 127"},
		{old, "1 2 3 4 -1.", "1 2 3 -4 -1.", "line 16: -4 in <_> is no whole number"},
		{old, "<rects>", "<rects><b/>", "line 15: <b> in the list <rects>"},
		{old, "<_>1 2 3 4 -1.</_>", strings.Repeat("<_>1 2 3 4 -1.</_>", 128), "line 15: the feature has 129 rectangles: OpenMV's format holds 127"},
		{old, "-0.0001", "8", "line 20: 8 in <threshold> is out of range: OpenMV's format holds -8 to 7.999"},
		{old, "-1.25", "-129", "line 34: -129 in <stage_threshold> is out of range"},
		{old, stump, stump + "<left_node>1</left_node>", "line 12: a tree of more than one node"},
		{old, "<right_val>-0.5</right_val></_>", "<right_val>-0.5</right_val></_><_></_>", "line 22: a tree of more than one node"},
		{old, "<next>-1</next>", "<next>2</next>", "line 36: the stage branches"},
		{old, "<size>", "<size>" + strings.Repeat("1 ", 600), "line 5: more than 1024 bytes of text in <size>"},
		{old, "<size>", strings.Repeat("<a>", 40), "line 5: elements nest more than 32 deep"},
		{old, "<stages>", "<stages>" + strings.Repeat("<a/>", maxElements), "line 6: more than 262144 elements"},
		{trained, "HAAR", "LBP", "line 6: features of type LBP: OpenMV's format has HAAR only"},
		{trained, "BOOST", "FOREST", "line 5: stages of type FOREST"},
		{trained, "0 -1 3", "0 -1 4", "line 25: 4 in <internalNodes> is no whole number from 0 to 3"},
		{trained, "0 -1 3", "1 0 3", "line 25: a stump's node begins with 0 -1, not with 1 0"},
		{trained, "0 -1 3 -0.0001", "1 -2 3 -0.0001 0 -1 2 0.1", "line 25: a tree of more than one node"},
		{trained, "0.5 -0.5", "0.5", "line 27: <leafValues> has 1 number, not 2"},
		{trained, "<stageNum>2", "<stageNum>3", "line 17: <stageNum> says 3, and <stages> has 2"},
		{trained, "<height>24</height>", "", "line 5: <cascade> has no <height>"},
		{trained, "features>", "f>", "line 5: <cascade> has no <features>"},
	} {
		xml := strings.Replace(c.in, c.replace, c.by, -1)
		if c.replace != "" && xml == c.in {
			t.Errorf("%q is not in the file", c.replace)
		}
		_, err := Convert(strings.NewReader(xml), 0)
		var at *Error
		if !errors.As(err, &at) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%.40q for %q: %v, want %s", c.by, c.replace, err, c.want)
		}
	}

	many := strings.Replace(old, "<_>\n          <_>", "<_><_></_></_>"+strings.Repeat("<_/>", 254)+"<_>\n          <_>", 1)
	if _, err := Convert(strings.NewReader(many), 0); err == nil || !strings.Contains(err.Error(), "classifiers: OpenMV's format holds 255") {
		t.Errorf("a stage of 257 classifiers: %v", err)
	}
	endless := io.MultiReader(strings.NewReader("<a>"), zeros{})
	if _, err := Convert(endless, 0); !errors.Is(err, errTooLarge) {
		t.Errorf("an endless file: %v", err)
	}
	broken := io.MultiReader(strings.NewReader(old[:300]), failing{})
	if _, err := Convert(broken, 0); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a reader that fails: %v", err)
	}
}

// zeros is an endless file of spaces.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return copy(b, bytes.Repeat([]byte(" "), len(b))), nil }

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

// load follows OpenMV's loader through the bytes of a cascade, as it lies at a
// multiple of 4, and returns how many it reads.
func load(tb testing.TB, b []byte) int {
	tb.Helper()
	at := 12
	take := func(n int) []byte {
		if at+n > len(b) {
			tb.Fatalf("%d bytes at %d, and the file has %d", n, at, len(b))
		}
		at += n
		return b[at-n : at]
	}
	stages := int(binary.LittleEndian.Uint32(b[8:]))
	features := 0
	for _, n := range take(stages) {
		features += int(n)
	}
	if at%4 != 0 {
		take(4 - at%4)
	}
	take(2*stages + 3*2*features)
	rects := 0
	for _, n := range take(features) {
		rects += int(int8(n))
	}
	take(5 * rects)
	return at
}

// TestPadding: whatever the number of stages, the loader finds the tables
// behind the zeros.
func TestPadding(t *testing.T) {
	t.Parallel()
	c, err := Parse(strings.NewReader(read(t, "old.xml")))
	if err != nil {
		t.Fatal(err)
	}
	for len(c.Stages) < 12 {
		c.Stages = append(c.Stages, c.Stages[1])
		got := c.Encode()
		if read := load(t, got); read != len(got) {
			t.Errorf("%d stages: the loader reads %d of %d bytes", len(c.Stages), read, len(got))
		}
		at := (12 + len(c.Stages) + 3) / 4 * 4
		if threshold := int16(binary.LittleEndian.Uint16(got[at:])); threshold != -320 {
			t.Errorf("%d stages: the first threshold is %d", len(c.Stages), threshold)
		}
	}
}

// FuzzConvert gives the converter anything: what it takes is a file that
// OpenMV's loader reads to its end.
func FuzzConvert(f *testing.F) {
	f.Add([]byte(read(f, "old.xml")), 0)
	f.Add([]byte(read(f, "new.xml")), 1)
	f.Fuzz(func(t *testing.T, xml []byte, stages int) {
		got, err := Convert(bytes.NewReader(xml), stages)
		if err != nil {
			return
		}
		if read := load(t, got); read != len(got) {
			t.Fatalf("the loader reads %d of %d bytes", read, len(got))
		}
	})
}

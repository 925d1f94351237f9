package romfs_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"rules_romfs/internal/trees"
	"rules_romfs/packager/romfs"
)

// checkSpans holds the spans of an image to the plan that it was written by.
func checkSpans(t trees.TB, m *romfs.Image, p *romfs.Plan) {
	t.Helper()
	spans := contiguous(t, m)
	var sum [romfs.SpanSkipped + 1]int64
	content := map[int64]int64{}
	for _, s := range spans {
		sum[s.Kind] += s.To - s.From
		if s.Kind == romfs.SpanContent {
			content[s.From] = s.To - s.From
		}
	}
	if sum[romfs.SpanPadding] != p.Padding || sum[romfs.SpanSkipped] != 0 {
		t.Errorf("%d bytes of padding and %d skipped, the plan has %d and 0", sum[romfs.SpanPadding], sum[romfs.SpanSkipped], p.Padding)
	}
	for _, f := range p.Files {
		if f.Stored > 0 && content[f.Offset] != f.Stored {
			t.Errorf("%s has %d bytes at %d, the spans %d", f.Path, f.Stored, f.Offset, content[f.Offset])
		}
		sum[romfs.SpanContent] -= f.Stored
	}
	if sum[romfs.SpanContent] != 0 {
		t.Errorf("the spans have %d bytes of content more than the plan", sum[romfs.SpanContent])
	}
}

// contiguous returns the spans of an image, which cover it without a gap.
func contiguous(t trees.TB, m *romfs.Image) []romfs.Span {
	t.Helper()
	spans, err := m.Spans()
	if err != nil {
		t.Fatal(err)
	}
	pos := int64(0)
	for _, s := range spans {
		if s.From != pos || s.To <= s.From {
			t.Errorf("a span of kind %v from %d to %d follows byte %d", s.Kind, s.From, s.To, pos)
		}
		pos = s.To
	}
	if pos != m.Size() {
		t.Errorf("the spans end at %d, the image at %d", pos, m.Size())
	}
	return spans
}

// TestSpansOfPlans: the spans of what is built are those of its plan.
func TestSpansOfPlans(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(41, 42))
	for range 10 {
		root := randomTree(r, 12, 300)
		decorate(r, root, []int64{1, 16})
		for _, o := range optionsList {
			p, b := build(t, root, o)
			for _, m := range readers(t, b) {
				checkSpans(t, m, p)
			}
		}
	}
}

// TestPaddingOfSpans counts the bytes of padding in heads that other writers may make,
// to the byte.
func TestPaddingOfSpans(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int64{
		"05 05 01 61 02 01 78":                   0,
		"80 80 05 05 01 61 02 01 78":             2, // the kind
		"05 80 80 80 05 01 61 02 01 78":          3, // the length
		"05 06 80 01 61 02 01 78":                1, // of the name
		"05 07 01 61 80 80 02 01 78":             2, // of the data's kind
		"05 06 01 61 02 80 01 78":                1, // of its length
		"05 0a 01 61 01 03 07 07 07 02 01 78":    5, // a gap before it
		"05 0b 01 61 01 80 03 07 07 07 02 01 78": 6, // a padded gap
		"05 0b 01 61 01 01 07 01 02 07 07 02 00": 7, // two
		"05 08 01 61 09 01 07 02 01 78":          0, // another record before it
		"05 09 01 61 09 80 01 07 02 01 78":       0, // that is padded itself
		"05 06 01 61 03 02 00 00":                0, // a pointer
		"05 09 01 61 03 05 80 00 80 80 00":       3, // its numbers
		"05 07 01 61 80 03 02 00 00":             1, // its kind
		"05 07 01 61 03 80 02 00 00":             1, // its length
		"04 02 01 64":                            0, // a directory
		"04 80 80 03 80 01 64":                   3,
		"04 08 01 64 05 04 01 61 02 00":          0, // with a file
		"04 09 01 64 05 05 01 61 02 80 00":       1,
		"01 02 07 07 | 05 04 01 61 02 00":        4, // a gap outside
		"05 04 01 61 02 00 | 01 00":              2, // and behind
		"05 06 01 61 02 00 01 00":                0, // behind the data nothing is read
	} {
		payload := unhex(t, in)
		for how, m := range readers(t, append([]byte{0xd2, 0xcd, 0x31, byte(len(payload))}, payload...)) {
			var got int64
			for _, s := range contiguous(t, m) {
				if s.Kind == romfs.SpanPadding {
					got += s.To - s.From
				}
			}
			if got != want {
				t.Errorf("%s: %s: %d bytes of padding, not %d", how, in, got, want)
			}
		}
	}
}

// TestSpansOfForeignImages: what other writers may put between entries, and what
// damage makes of them.
func TestSpansOfForeignImages(t *testing.T) {
	for name, tc := range map[string]struct {
		image string // without its header
		want  []romfs.SpanKind
	}{
		"padding record":         {"\x01\x02zz\x05\x05\x01a\x02\x01A", []romfs.SpanKind{romfs.SpanHeader, romfs.SpanPadding, romfs.SpanRecord, romfs.SpanContent}},
		"unknown record":         {"\x09\x01z\x05\x05\x01a\x02\x01A", []romfs.SpanKind{romfs.SpanHeader, romfs.SpanSkipped, romfs.SpanRecord, romfs.SpanContent}},
		"padding before content": {"\x05\x08\x01a\x01\x01z\x02\x01A", []romfs.SpanKind{romfs.SpanHeader, romfs.SpanRecord, romfs.SpanPadding, romfs.SpanContent}},
		"second content":         {"\x05\x08\x01a\x02\x01A\x02\x01B", []romfs.SpanKind{romfs.SpanHeader, romfs.SpanRecord, romfs.SpanContent, romfs.SpanSkipped}},
		"no content":             {"\x05\x02\x01a\x05\x05\x01b\x02\x01B", []romfs.SpanKind{romfs.SpanHeader, romfs.SpanSkipped, romfs.SpanRecord, romfs.SpanContent}},
		"overrun":                {"\x05\x05\x01a\x02\x01A\x05\x40\x01b", []romfs.SpanKind{romfs.SpanHeader, romfs.SpanRecord, romfs.SpanContent, romfs.SpanSkipped}},
		"empty":                  {"", []romfs.SpanKind{romfs.SpanHeader}},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := romfs.Parse(append([]byte(romfs.Magic), append([]byte{byte(len(tc.image))}, tc.image...)...))
			if err != nil {
				t.Fatal(err)
			}
			var got []romfs.SpanKind
			for _, s := range contiguous(t, m) {
				got = append(got, s.Kind)
			}
			if len(got) != len(tc.want) {
				t.Fatalf("got %v, want %v", got, tc.want)
			}
			for i := range got {
				if got[i] != tc.want[i] {
					t.Fatalf("got %v, want %v", got, tc.want)
				}
			}
		})
	}
}

// TestSpansOfDamage: bytes that damage hides belong to the entry that has it; and a
// directory's head has the padding of its own numbers, not of what readers skip in it.
func TestSpansOfDamage(t *testing.T) {
	t.Parallel()
	m, err := romfs.Parse(image([]byte("\x05\x02\x01a\x05\x05\x01b\x02\x01B")))
	if err != nil {
		t.Fatal(err)
	}
	damaged := 0
	for _, s := range contiguous(t, m) {
		if s.Kind == romfs.SpanSkipped && s.Entry != nil && s.Entry.Name == "a" && s.To-s.From == 4 {
			damaged++
		}
	}
	if damaged != 1 {
		t.Errorf("%d spans are of the damaged entry", damaged)
	}

	// d holds data of its own, behind a length of two bytes.
	if m, err = romfs.Parse(image([]byte("\x04\x06\x01d\x02\x80\x01x"))); err != nil {
		t.Fatal(err)
	}
	for _, s := range contiguous(t, m) {
		if s.Kind == romfs.SpanPadding && s.Entry != nil {
			t.Errorf("%d bytes of padding in the head of %s", s.To-s.From, s.Entry.Name)
		}
	}
}

// A flaky reader fails in one of its reads.
type flaky struct {
	r    io.ReaderAt
	left *int // reads until then
}

func (f flaky) ReadAt(p []byte, off int64) (int, error) {
	if *f.left--; *f.left == 0 {
		return 0, errBroken
	}
	return f.r.ReadAt(p, off)
}

// TestSpansOfFlakyReaders: a read that fails is told, whichever it is, also if all others work.
func TestSpansOfFlakyReaders(t *testing.T) {
	t.Parallel()
	// Larger than what is read at once, so that each record is read anew.
	content := func(n int) []byte { return append(append([]byte{2}, number(n)...), make([]byte, n)...) }
	one := func(name byte) []byte {
		body := append([]byte{1, name}, content(9000)...)
		return append(append([]byte{5}, number(len(body))...), body...)
	}
	gap := append(append([]byte{1}, number(9000)...), make([]byte, 9000)...)
	b := image(slices.Concat(one('a'), gap, one('b'), gap))
	reads := 0
	for n := 1; ; n++ {
		left := n
		m, err := romfs.Open(flaky{bytes.NewReader(b), &left}, int64(len(b)))
		if err == nil {
			_, err = m.Spans()
		}
		if left > 0 {
			break // it was not read so often
		}
		if reads++; !errors.Is(err, errBroken) {
			t.Errorf("read number %d fails, and the spans end with %v", n, err)
		}
	}
	if reads < 4 {
		t.Errorf("%d reads", reads)
	}
}

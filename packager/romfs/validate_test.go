package romfs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"rules_romfs/packager/romfs"
)

func validate(b []byte) []romfs.Problem {
	return romfs.Validate(bytes.NewReader(b), int64(len(b)))
}

// TestValidate shows each defect in an image worked by hand, and what is said
// about it: "severity code path offset".
func TestValidate(t *testing.T) {
	for _, tc := range []struct {
		name, image string
		want        []string
	}{
		{"nothing", "", []string{"error not-image . 0"}},
		{"three bytes", "d2 cd 31", []string{"error not-image . 0"}},
		{"no magic", "d2 cd 32 00", []string{"error not-image . 0"}},
		{"erased", "ff ff ff ff ff ff", []string{"error not-image . 0"}},
		{"padded outer kind", "80 d2 cd 31 00 00", []string{"error not-image . 0"}},
		{"length cut off", "d2 cd 31 81 80", []string{"error truncated . 3"}},
		{"image cut off", "d2 cd 31 80 07 | 05 05 01 61 02 01", []string{"error truncated . 3"}},
		{"length of 2^32", "d2 cd 31 90 80 80 80 00 | 05 05 01 61 02 01 78", []string{"error length-wrap . 3"}},
		{"length of 2^64-1", "d2 cd 31 81 ff ff ff ff ff ff ff ff 7f", []string{"error length-wrap . 3"}},
		{"length of 2^70", "d2 cd 31 81 80 80 80 80 80 80 80 80 80 00 00", []string{"error length-wrap . 3"}},
		{"empty", "d2 cd 31 00", nil},
		{"followed by anything", "d2 cd 31 00 | ff 00 31", nil},
		{"odd", "d2 cd 31 07 | 05 05 01 61 02 01 78", []string{"warning odd-size . 0"}},
		{"header of 13 bytes", "d2 cd 31 80 80 80 80 80 80 80 80 80 07 | 05 05 01 61 02 01 78", []string{"warning long-header . 3"}},
		{"header of 12 bytes", "d2 cd 31 80 80 80 80 80 80 80 80 06 | 05 04 01 61 02 00", nil},
		{"padding and raw data", "d2 cd 31 0a | 01 00 | 02 02 78 79 | 01 02 00 05", nil},
		{"long lengths", "d2 cd 31 0a | 05 80 07 01 61 02 80 80 80 00", nil},
		{"unused record", "d2 cd 31 80 0b | 00 00 | 05 04 01 62 02 00 01 01 00", []string{"error unused-record . 5"}},
		{"unused record in a directory", "d2 cd 31 06 | 04 04 01 61 00 00", []string{"error unused-record a 8"}},
		{"unknown kind", "d2 cd 31 08 | 06 00 | 05 04 01 61 02 00", []string{"warning unknown-kind . 4"}},
		{"outer kind inside", "d2 cd 31 08 | d2 cd 31 04 05 02 01 61", []string{"warning unknown-kind . 4"}},
		{"kind of 2^32+5", "d2 cd 31 0a | 90 80 80 80 05 04 01 61 02 00", []string{"error kind-wrap . 4", "warning unknown-kind . 4"}},
		{"record longer than its directory", "d2 cd 31 0a | 04 04 01 64 05 09 | 01 02 00 00", []string{"error overrun d 8"}},
		{"record longer than the image", "d2 cd 31 06 | 05 05 01 61 02 00", []string{"error overrun . 4"}},
		{"record that wraps", "d2 cd 31 0c | 01 81 ff ff ff ff ff ff ff ff 75 00", []string{"error overrun . 4"}},
		{"record cut off", "d2 cd 31 08 | 05 04 01 61 02 00 | 05 85", []string{"error cut . 10"}},
		{"kind cut off", "d2 cd 31 08 | 05 04 01 61 02 00 | 85 85", []string{"error cut . 10"}},
		{"name cut off", "d2 cd 31 0a | 05 04 01 61 02 00 | 04 02 81 81", []string{"error cut . 10"}},
		{"name missing", "d2 cd 31 08 | 05 04 01 61 02 00 | 04 00", []string{"error cut . 10"}},
		{"name longer than its record", "d2 cd 31 06 | 05 04 07 61 02 00", []string{"error name-overrun . 4"}},
		{"name that wraps", "d2 cd 31 0e | 05 0c 81 ff ff ff ff ff ff ff ff 7e 02 00", []string{"error name-overrun . 4"}},
		{"no data", "d2 cd 31 04 | 05 02 01 61", []string{"error no-data a 4"}},
		{"data behind an unused record", "d2 cd 31 80 07 | 05 05 01 61 00 02 00", []string{"error unused-record a 9", "error no-data a 5"}},
		{"data longer than its file", "d2 cd 31 80 07 | 05 05 01 61 02 02 78", []string{"error overrun a 9", "error no-data a 5"}},
		{"two data records", "d2 cd 31 08 | 05 06 01 61 02 00 02 00", []string{"warning extra-data a 10"}},
		{"junk behind the data", "d2 cd 31 08 | 05 06 01 61 02 00 00 00", []string{"warning unused-record a 10"}},
		{"comments in a file", "d2 cd 31 0a | 05 08 01 61 01 00 09 00 02 00", []string{"warning unknown-kind a 10"}},
		{"file in a file", "d2 cd 31 80 0b | 05 09 01 61 02 00 05 03 01 62 00", []string{"warning misplaced a 11"}},
		{"pointer to all", "d2 cd 31 08 | 05 06 01 61 03 02 08 00", nil},
		{"pointer to one byte more", "d2 cd 31 08 | 05 06 01 61 03 02 08 01", []string{"error pointer-outside a 8"}},
		{"pointer to nothing at the end", "d2 cd 31 08 | 05 06 01 61 03 02 00 08", nil},
		{"pointer far out", "d2 cd 31 08 | 05 06 01 61 03 02 01 7f", []string{"error pointer-outside a 8"}},
		{"pointer whose end wraps", "d2 cd 31 0a 05 08 01 61 03 04 82 00 81 00 | 00 00 00 00 00 00 00", []string{"error pointer-outside a 8"}},
		{"pointer of 2^64-1", "d2 cd 31 80 11 | 05 0f 01 61 03 0b 81 ff ff ff ff ff ff ff ff 7f 01", []string{"error pointer-outside a 9"}},
		{"pointer cut off", "d2 cd 31 08 | 05 06 01 61 03 02 81 82", []string{"error pointer-cut a 8"}},
		{"pointer without offset", "d2 cd 31 80 07 | 05 05 01 61 03 01 01", []string{"error pointer-cut a 9"}},
		{"empty pointer", "d2 cd 31 06 | 05 04 01 61 03 00", []string{"error pointer-cut a 8"}},
		{"pointer in a directory", "d2 cd 31 04 | 03 02 00 00", []string{"warning misplaced . 4"}},
		{"no name", "d2 cd 31 80 05 | 05 03 00 02 00", []string{"error name-empty . 5"}},
		{"dots", "d2 cd 31 80 0b | 04 02 01 2e | 05 05 02 2e 2e 02 00", []string{"error name-dot . 5", "error name-dot .. 9"}},
		{"slash", "d2 cd 31 08 | 05 06 03 61 2f 62 02 00", []string{"error name-slash a/b 4"}},
		{"NUL", "d2 cd 31 08 | 05 06 03 61 00 62 02 00", []string{"error name-nul a\x00b 4"}},
		{"not UTF-8", "d2 cd 31 06 | 05 04 01 ff 02 00", []string{"error name-not-utf8 \xff 4"}},
		{"UTF-8", "d2 cd 31 80 07 | 05 05 02 c3 a9 02 00", nil},
		{"a name twice", "d2 cd 31 0c | 05 04 01 61 02 00 | 05 04 01 61 02 00", []string{"error duplicate-name a 10"}},
		{"a name twice, apart", "d2 cd 31 12 | 05 04 01 62 02 00 | 05 04 01 61 02 00 | 05 04 01 62 02 00", []string{"error duplicate-name b 16"}},
		{"several in a directory", "d2 cd 31 80 0b | 04 09 01 64 | 05 03 01 61 09 | 04 02", []string{"error no-data d/a 9", "error cut d/a 13", "error overrun d 14"}},
		{"shadowed directory", "d2 cd 31 80 0f | 05 05 01 61 02 01 78 | 04 06 01 61 04 02 01 62", []string{"error duplicate-name a 12"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, p := range validate(unhex(t, tc.image)) {
				got = append(got, fmt.Sprint(p.Severity, " ", p.Code, " ", p.Path, " ", p.Offset))
				if p.Message == "" || strings.Contains(p.Message, "%!") {
					t.Errorf("message %q", p.Message)
				}
			}
			slices.Sort(got)
			slices.Sort(tc.want)
			if !slices.Equal(got, tc.want) {
				t.Errorf("problems %q, want %q", got, tc.want)
			}
		})
	}
}

// TestValidateEveryLength cuts an image at every byte: one problem, said to be
// a cut, and no reader.
func TestValidateEveryLength(t *testing.T) {
	_, b := build(t, dir("", file("a", strings.Repeat("x", 200)), dir("d", file("e", "y"))), romfs.Options{})
	for n := range len(b) {
		got := validate(b[:n])
		if len(got) != 1 || got[0].Severity != romfs.Error || got[0].Code != romfs.CodeTruncated && (n >= 4 || got[0].Code != romfs.CodeNotImage) {
			t.Errorf("%d bytes: %v", n, got)
		}
		if _, err := romfs.Parse(b[:n]); err == nil {
			t.Errorf("%d bytes are read", n)
		}
	}
	if got := validate(b); got != nil {
		t.Errorf("whole: %v", got)
	}
}

// TestValidateBounds holds the report of a bad image to a size.
func TestValidateBounds(t *testing.T) {
	// 5,000 files without data, and a directory nested 300,000 deep.
	var b []byte
	for range 5000 {
		b = append(b, 5, 2, 1, 'x')
	}
	got := validate(image(b))
	if n := len(got); n != 1001 || got[n-1].Code != romfs.CodeMore || !strings.HasPrefix(got[n-1].Message, "8999 more") {
		t.Errorf("%d problems, the last %v", n, got[n-1])
	}
	deep := validate(image(nested(300000)))
	if len(deep) != 1 || deep[0].Code != romfs.CodeNoData || len(deep[0].Path) > 5000 {
		t.Errorf("deep: %d problems, the first %.200v", len(deep), deep)
	}
}

// image wraps a payload, of an even size.
func image(payload []byte) []byte {
	head := []byte("\xd2\xcd\x31\x80\x80\x80\x80\x80\x80")
	if len(payload)%2 == 0 {
		head = head[:len(head)-1]
	}
	return append(append(head, number(len(payload))...), payload...)
}

// number is a varuint of four bytes.
func number(n int) []byte {
	return []byte{0x80 | byte(n>>21), 0x80 | byte(n>>14), 0x80 | byte(n>>7), byte(n) & 0x7f}
}

// nested is a directory in a directory and so on, with a file without data in
// the last.
func nested(depth int) []byte {
	const front = 1 + 4 + 2
	b := make([]byte, 0, depth*front+4)
	for i := range depth {
		rest := (depth-i-1)*front + 4
		b = append(b, 4)
		b = append(b, number(rest+2)...)
		b = append(b, 1, 'd')
	}
	return append(b, 5, 2, 1, 'f')
}

// failing is a reader that fails from some offset up.
type failing struct {
	io.ReaderAt
	from int64
}

func (f failing) ReadAt(b []byte, off int64) (int, error) {
	if off+int64(len(b)) > f.from {
		return 0, io.ErrClosedPipe
	}
	return f.ReaderAt.ReadAt(b, off)
}

func TestValidateUnreadable(t *testing.T) {
	_, b := build(t, dir("", file("a", strings.Repeat("x", 20000)), file("b", "")), romfs.Options{})
	for _, from := range []int64{0, 10000} {
		got := romfs.Validate(failing{bytes.NewReader(b), from}, int64(len(b)))
		if len(got) != 1 || got[0].Code != romfs.CodeUnreadable || !strings.Contains(got[0].Message, "closed pipe") {
			t.Errorf("%v", got)
		}
	}
}

// A tiring reader can be read so many times.
type tiring struct {
	io.ReaderAt
	left int
}

func (r *tiring) ReadAt(b []byte, off int64) (int, error) {
	if r.left--; r.left < 0 {
		return 0, io.ErrClosedPipe
	}
	return r.ReaderAt.ReadAt(b, off)
}

// TestValidateTired: a read that fails when names are looked at a second time counts, too.
func TestValidateTired(t *testing.T) {
	t.Parallel()
	content := append(append([]byte{2}, number(20000)...), make([]byte, 20000)...)
	b := append([]byte{5}, number(len(content)+2)...)
	b = append(append(append(b, 1, 'b'), content...), 5, 4, 1, 'a', 2, 0, 5, 4, 1, 'a', 2, 0)
	whole := image(b)
	want := validate(whole)
	for reads := 0; ; reads++ {
		got := romfs.Validate(&tiring{bytes.NewReader(whole), reads}, int64(len(whole)))
		if len(got) > 0 && got[0].Code == romfs.CodeUnreadable {
			continue
		}
		if !slices.Equal(got, want) {
			t.Errorf("after %d reads %v, want %v", reads, got, want)
		}
		if reads < 4 {
			t.Errorf("%d reads were enough", reads)
		}
		return
	}
}

func TestProblemForms(t *testing.T) {
	if s := validate(unhex(t, "ffffffff"))[0].Message; !strings.Contains(s, "erased flash") {
		t.Errorf("%q", s)
	}
	if s := validate(unhex(t, "80d2cd31"))[0].Message; !strings.Contains(s, "outer kind with padding") {
		t.Errorf("%q", s)
	}
	p := validate([]byte("d2cd"))[0]
	if s := p.String(); !strings.HasPrefix(s, "error: . at offset 0: it starts with 64 32 63 ") || !strings.HasSuffix(s, "(not-image)") {
		t.Errorf("%q", s)
	}
	b, err := json.Marshal(p)
	if err != nil || !strings.HasPrefix(string(b), `{"code":"not-image","severity":"error","offset":0,"path":".","message":"it starts with`) {
		t.Errorf("%s, %v", b, err)
	}
}

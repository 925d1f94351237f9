package romfs_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"rules_romfs/packager/romfs"
)

// file and dir make trees as tests write them.
func file(name, content string) *romfs.Node {
	return &romfs.Node{
		Name: name, Size: int64(len(content)), Sum: sha256.Sum256([]byte(content)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil },
	}
}

func aligned(name, content string, align int64) *romfs.Node {
	n := file(name, content)
	n.Align = align
	return n
}

func dir(name string, children ...*romfs.Node) *romfs.Node {
	return &romfs.Node{Name: name, Dir: true, Children: children}
}

// build plans and writes a tree.
func build(tb testing.TB, root *romfs.Node, o romfs.Options) (*romfs.Plan, []byte) {
	tb.Helper()
	p, err := romfs.NewPlan(root, o)
	if err != nil {
		tb.Fatal(err)
	}
	var b bytes.Buffer
	n, err := p.WriteTo(&b)
	if err != nil {
		tb.Fatal(err)
	}
	if n != p.Size || int64(b.Len()) != p.Size {
		tb.Fatalf("wrote %d bytes and returned %d, planned %d", b.Len(), n, p.Size)
	}
	return p, b.Bytes()
}

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "|", "", "\n", "", "\t", "").Replace(s))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// TestWorkedExamples compares with images worked by hand from the format's
// definition; mpremote writes the same bytes for all but the last.
func TestWorkedExamples(t *testing.T) {
	big := strings.Repeat("x", 200)
	for _, tc := range []struct {
		name string
		root *romfs.Node
		o    romfs.Options
		want string
	}{
		{"empty", dir(""), romfs.Options{}, "d2 cd 31 00"},
		{"one byte", dir("", file("a", "x")), romfs.Options{}, "d2 cd 31 80 07 | 05 05 01 61 02 01 78"},
		{"empty file", dir("", file("a", "")), romfs.Options{}, "d2 cd 31 06 | 05 04 01 61 02 00"},
		{"directories", dir("", file("t", "hi"), dir("lib", file("m.py", "A=1\n")), dir("e")), romfs.Options{}, `
			d2 cd 31 80 1f | 04 02 01 65 | 04 11 03 6c 69 62 | 05 0b 04 6d 2e 70 79 02 04 41 3d 31 0a | 05 06 01 74 02 02 68 69`},
		{"two-byte lengths", dir("", file("big", big)), romfs.Options{},
			"d2 cd 31 80 81 52 | 05 81 4f 03 62 69 67 02 81 48" + hex.EncodeToString([]byte(big))},
		{"shared", dir("", file("p", "SHARED12"), file("q", "SHARED12")), romfs.Options{Dedup: true},
			"d2 cd 31 16 | 05 0c 01 70 02 08 53 48 41 52 45 44 31 32 | 05 06 01 71 03 02 08 06"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, got := build(t, tc.root, tc.o)
			if want := unhex(t, tc.want); !bytes.Equal(got, want) {
				t.Errorf("image\n% x, want\n% x", got, want)
			}
		})
	}
}

func TestReader(t *testing.T) {
	root := dir("", file("t", "hi"), dir("lib", file("m.py", "A=1\n"), file("n.py", strings.Repeat("B", 300)), dir("x", file("y", ""))), dir("e"))
	_, b := build(t, root, romfs.Options{})
	opened, err := romfs.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := romfs.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*romfs.Image{opened, parsed} {
		if err := fstest.TestFS(m, "t", "lib/m.py", "lib/n.py", "lib/x/y", "e"); err != nil {
			t.Error(err)
		}
		sub, err := fs.Sub(m, "lib")
		if err != nil {
			t.Fatal(err)
		}
		if err := fstest.TestFS(sub, "m.py", "n.py", "x/y"); err != nil {
			t.Error(err)
		}
	}
}

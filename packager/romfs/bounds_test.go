package romfs_test

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"rules_romfs/packager/romfs"
)

// TestOptionBounds: options to their bounds, and one more.
func TestOptionBounds(t *testing.T) {
	t.Parallel()
	root := dir("", file("a", "x"))
	for name, c := range map[string]struct {
		root *romfs.Node
		o    romfs.Options
		want string // in the error; "": none
	}{
		"no root":                 {nil, romfs.Options{}, "root must be a directory"},
		"a file for a root":       {file("", "x"), romfs.Options{}, "root must be a directory"},
		"the last layout":         {root, romfs.Options{Layout: romfs.OpenMV}, ""},
		"a layout more":           {root, romfs.Options{Layout: romfs.OpenMV + 1}, "unknown layout"},
		"a layout less":           {root, romfs.Options{Layout: -1}, "unknown layout"},
		"the largest erase unit":  {root, romfs.Options{EraseUnit: 1 << 28}, ""},
		"a larger one":            {root, romfs.Options{EraseUnit: 1<<28 + 1}, "erase unit"},
		"a negative one":          {root, romfs.Options{EraseUnit: -1}, "erase unit"},
		"a negative write unit":   {root, romfs.Options{WriteUnit: -1}, "write unit"},
		"the largest alignment":   {root, romfs.Options{DirAlign: 1 << 31}, ""},
		"a larger alignment":      {root, romfs.Options{DirAlign: 1 << 32}, "no power of two up to 2^31"},
		"no power of two":         {root, romfs.Options{DirAlign: 3}, "no power of two up to 2^31"},
		"a negative alignment":    {root, romfs.Options{DirAlign: -1 << 63}, "no power of two up to 2^31"},
		"a file's largest":        {dir("", aligned("a", "", 1<<31)), romfs.Options{}, ""},
		"a file's larger":         {dir("", aligned("a", "", 1<<32)), romfs.Options{}, "no power of two up to 2^31"},
		"a file's of no power":    {dir("", aligned("a", "", 24)), romfs.Options{}, "no power of two up to 2^31"},
		"a size below 0":          {dir("", &romfs.Node{Name: "a", Size: -1}), romfs.Options{}, "negative"},
		"a size beyond 32 bits":   {dir("", &romfs.Node{Name: "a", Size: 1 << 32}), romfs.Options{}, "do not fit into an image"},
		"the largest size":        {dir("", &romfs.Node{Name: "a", Size: 1<<32 - 1}), romfs.Options{}, "boards address at most"},
		"an image of all 32 bits": {dir("", &romfs.Node{Name: "a", Size: 1<<32 - 24}), romfs.Options{}, ""},
	} {
		_, err := romfs.NewPlan(c.root, c.o)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestBulkOrder: layout Stable puts bulk files last, from an erase unit on, as deep as a
// tree may be; not where the order is kept.
func TestBulkOrder(t *testing.T) {
	t.Parallel()
	bulk := func(name string) *romfs.Node {
		n := file(name, "bulk")
		n.Bulk = true
		return n
	}
	order := func(p *romfs.Plan) (names []string) {
		for _, f := range p.Files {
			names = append(names, f.Path[strings.LastIndexByte(f.Path, '/')+1:])
		}
		return names
	}
	for name, c := range map[string]struct {
		root *romfs.Node
		o    romfs.Options
		want string
		at   int64 // where the first bulk file is to start: at a multiple
	}{
		"behind":            {dir("", bulk("a"), file("b", "x")), romfs.Options{Layout: romfs.Stable}, "b a", 4096},
		"by the unit":       {dir("", bulk("a"), file("b", "x")), romfs.Options{Layout: romfs.Stable, EraseUnit: 512}, "b a", 512},
		"the order is kept": {dir("", bulk("a"), file("b", "x")), romfs.Options{Layout: romfs.Stable, KeepOrder: true}, "a b", 4096},
		"compact":           {dir("", bulk("a"), file("b", "x")), romfs.Options{}, "a b", 1},
		"two":               {dir("", bulk("a"), bulk("c"), file("b", "x")), romfs.Options{Layout: romfs.Stable}, "b a c", 4096},
		"nothing else":      {dir("", bulk("a"), bulk("c")), romfs.Options{Layout: romfs.Stable}, "a c", 4096},
		"of one byte":       {dir("", func() *romfs.Node { n := file("a", "x"); n.Bulk = true; return n }(), file("b", "")), romfs.Options{Layout: romfs.Stable}, "b a", 4096},
		"in a directory":    {dir("", dir("a", bulk("c"), file("d", "")), file("b", "x")), romfs.Options{Layout: romfs.Stable}, "b d c", 4096},
		"deepest":           {dir("", deep("d", romfs.MaxDepth, bulk("a"), file("b", "x"))), romfs.Options{Layout: romfs.Stable}, "b a", 4096},
		"an empty one":      {dir("", func() *romfs.Node { n := file("a", ""); n.Bulk = true; return n }(), file("b", "x")), romfs.Options{Layout: romfs.Stable}, "a b", 1},
	} {
		p, err := romfs.NewPlan(c.root, c.o)
		if err != nil {
			t.Fatal(name, err)
		}
		if got := strings.Join(order(p), " "); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		for _, f := range p.Files {
			if f.Boundary != (f.Node.Bulk && c.at > 1 && !strings.HasSuffix(f.Path, "c")) && name != "in a directory" {
				t.Errorf("%s: %s is the boundary: %t", name, f.Path, f.Boundary)
			}
			if f.Boundary && f.Offset%c.at != 0 {
				t.Errorf("%s: %s is at %d", name, f.Path, f.Offset)
			}
		}
		if c.at > 1 && p.Boundary != c.at {
			t.Errorf("%s: the boundary is %d", name, p.Boundary)
		}
	}
}

// TestBoundaryDropped: where there is no room for the boundary, also of the only file.
func TestBoundaryDropped(t *testing.T) {
	t.Parallel()
	n := file("a", "bulk")
	n.Bulk = true
	for room, dropped := range map[int64]bool{0: false, 100: true, 4099: true, 4100: false} {
		p, err := romfs.NewPlan(dir("", n), romfs.Options{Layout: romfs.Stable, MaxSize: room})
		if err != nil || p.BoundaryDropped != dropped || dropped && p.BoundarySize != 4100 || p.Files[0].Boundary == dropped {
			t.Errorf("room for %d: %+v, %v", room, p, err)
		}
	}
}

// TestNoSum: files of which no digest is known are not shared, whatever their size.
func TestNoSum(t *testing.T) {
	t.Parallel()
	a, b := file("a", strings.Repeat("a", 100)), file("b", strings.Repeat("b", 100))
	a.Sum, b.Sum = [32]byte{}, [32]byte{}
	p, image := build(t, dir("", a, b), romfs.Options{Dedup: true})
	if p.Shared != 0 || strings.Count(string(image), "b") < 100 {
		t.Errorf("%d bytes are shared", p.Shared)
	}
}

// TestDedupIsSmaller: nothing is shared where the image is as small without.
func TestDedupIsSmaller(t *testing.T) {
	t.Parallel()
	same := 0
	for size := range 12 {
		for other := range 4 {
			root := dir("", file("a", strings.Repeat("x", size)), file("b", strings.Repeat("x", size)), file("c", strings.Repeat("y", other)))
			plain, _ := build(t, root, romfs.Options{})
			p, _ := build(t, root, romfs.Options{Dedup: true})
			if p.Size > plain.Size || p.Size == plain.Size && p.Shared > 0 {
				t.Errorf("twice %d bytes and %d: %d bytes of which %d are shared, %d without", size, other, p.Size, p.Shared, plain.Size)
			}
			if p.Size == plain.Size {
				same++
			}
		}
	}
	if same == 0 || same == 48 {
		t.Errorf("of 48 images, %d are as small without", same)
	}
}

// TestLargest: an image that ends where 32 bits do, and one byte more.
func TestLargest(t *testing.T) {
	t.Parallel()
	n := &romfs.Node{Name: "a", Size: 1 << 31}
	o := romfs.Options{Layout: romfs.OpenMV}
	p, err := romfs.NewPlan(dir("", n), o)
	if err != nil {
		t.Fatal(err)
	}
	n.Size += romfs.MaxSize - p.Size
	if p, err = romfs.NewPlan(dir("", n), o); err != nil || p.Size != romfs.MaxSize {
		t.Fatal(p, err)
	}
	n.Size++
	var large *romfs.SizeError
	if _, err := romfs.NewPlan(dir("", n), o); !errors.As(err, &large) || large.Size != romfs.MaxSize+1 {
		t.Error(err)
	}
}

// TestHeaderPadding: what the header has more than its length needs.
func TestHeaderPadding(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		root *romfs.Node
		o    romfs.Options
		want int64
	}{
		"even":      {dir("", file("a", "")), romfs.Options{}, 0},
		"odd":       {dir("", file("a", "x")), romfs.Options{}, 1},
		"two bytes": {dir("", file("a", strings.Repeat("x", 200))), romfs.Options{Layout: romfs.OpenMV}, 11},
		"to 127":    {dir("", file("a", strings.Repeat("x", 100))), romfs.Options{Layout: romfs.OpenMV}, 12},
		"one byte":  {dir("", file("a", "")), romfs.Options{Layout: romfs.OpenMV}, 12},
		"stable":    {dir("", file("a", "")), romfs.Options{Layout: romfs.Stable}, 5},
	} {
		p, err := romfs.NewPlan(c.root, c.o)
		if err != nil || p.HeaderPadding != c.want || p.Padding < c.want {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

// TestWords: names of layouts that are none, and paths that nobody reads to their end.
func TestWords(t *testing.T) {
	t.Parallel()
	for l, want := range map[romfs.Layout]string{-1: "Layout(-1)", romfs.Compact: "compact", romfs.OpenMV: "openmv", romfs.OpenMV + 1: "Layout(3)"} {
		if got := l.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for n, want := range map[int]string{100: strings.Repeat("x", 100), 101: strings.Repeat("x", 60) + "…" + strings.Repeat("x", 40)} {
		if got := (&romfs.TreeError{Path: strings.Repeat("x", n), Reason: "wrong"}).Error(); got != `"`+want+`": wrong` {
			t.Errorf("%d bytes: %s", n, got)
		}
	}
}

// TestErrorsNameFiles: the file, and not one before it.
func TestErrorsNameFiles(t *testing.T) {
	t.Parallel()
	changed := file("c", "x")
	changed.Sum[0] ^= 1
	p, err := romfs.NewPlan(dir("", file("a", "y"), dir("b", file("d", "z"), changed), file("e", "")), romfs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var wrong *romfs.ContentChangedError
	if _, err := p.WriteTo(io.Discard); !errors.As(err, &wrong) || wrong.Path != "b/c" {
		t.Error(err)
	}
}

// TestWriteUnit: the header is wide enough for any, from 1 on.
func TestWriteUnit(t *testing.T) {
	t.Parallel()
	for unit, want := range map[int64]int64{0: 4, 1: 8, 4: 9, 16: 21} {
		p, err := romfs.NewPlan(dir("", file("a", "")), romfs.Options{WriteUnit: unit})
		if err != nil || p.HeaderSize < want || p.HeaderSize > want+1 {
			t.Errorf("a unit of %d: a header of %d bytes, %v", unit, p.HeaderSize, err)
		}
	}
}

// TestOpenMVDirectories: their content has the largest alignment of all files.
func TestOpenMVDirectories(t *testing.T) {
	t.Parallel()
	p, err := romfs.NewPlan(dir("", file("n", "x"), dir("d", file("e", "y")), dir("f", aligned("g", "z", 64))), romfs.Options{Layout: romfs.OpenMV})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range p.Dirs {
		if d.Offset%64 != 0 {
			t.Errorf("the content of %s is at %d", d.Path, d.Offset)
		}
	}
}

// TestEntryForms: what io/fs tells of files and directories.
func TestEntryForms(t *testing.T) {
	t.Parallel()
	_, b := build(t, dir("", file("f", "text"), dir("d", file("g", ""))), romfs.Options{})
	for how, m := range readers(t, b) {
		for name, want := range map[string]int64{"f": 4, "d": 0, ".": 0, "d/g": 0} {
			info, err := m.Stat(name)
			if err != nil || info.Size() != want || info.IsDir() != (name == "d" || name == ".") {
				t.Errorf("%s: %s: %v, %v", how, name, info, err)
			}
		}
		f, err := m.Open("d")
		if err != nil {
			t.Fatal(err)
		}
		if n, err := f.Read(make([]byte, 8)); n != 0 || err == nil {
			t.Errorf("%s: %d bytes of a directory, %v", how, n, err)
		}
		if list, err := f.(fs.ReadDirFile).ReadDir(0); len(list) != 1 || err != nil {
			t.Errorf("%s: all entries are %v, %v", how, list, err)
		}
		if list, err := f.(fs.ReadDirFile).ReadDir(1); len(list) != 0 || err != io.EOF {
			t.Errorf("%s: then %v, %v", how, list, err)
		}
	}
}

// TestWalkDamage: the walk goes on behind damage, and returns the first.
func TestWalkDamage(t *testing.T) {
	t.Parallel()
	// A file without data in a, a record of b that reaches beyond it, another file without
	// data, and a directory without a name.
	b := image(unhex(t, "04 06 01 61 05 02 01 78 | 04 08 01 62 05 7f 01 79 02 00 | 05 02 01 63 | 04 05 00 05 02 01 7a | 05 04 01 65 02 00"))
	for how, m := range readers(t, b) {
		first := m.HeaderSize() + 4
		walk := func(visit func(e *romfs.Entry) error) (paths []string, err error) {
			err = m.Walk(func(e *romfs.Entry) error {
				paths = append(paths, e.Path())
				return visit(e)
			})
			return paths, err
		}
		var damage *romfs.FormatError
		paths, err := walk(func(*romfs.Entry) error { return nil })
		if want := []string{"a", "a/x", "b", "c", "", "/z", "e"}; !slices.Equal(paths, want) || !errors.As(err, &damage) || damage.Offset != first {
			t.Errorf("%s: %q, %v; want %q, and damage at %d", how, paths, err, want, first)
		}
		paths, err = walk(func(e *romfs.Entry) error {
			if e.Name == "c" {
				return fs.SkipAll
			}
			return nil
		})
		if want := []string{"a", "a/x", "b", "c"}; !slices.Equal(paths, want) || !errors.As(err, &damage) || damage.Offset != first {
			t.Errorf("%s, left at c: %q, %v", how, paths, err)
		}
		// To skip at a file is to skip the rest of its directory.
		paths, err = walk(func(e *romfs.Entry) error {
			if e.Name == "a" || e.Name == "c" {
				return fs.SkipDir
			}
			return nil
		})
		if want := []string{"a", "b", "c"}; !slices.Equal(paths, want) || !errors.As(err, &damage) || damage.Offset != m.HeaderSize()+8+4 {
			t.Errorf("%s, the rest skipped at c: %q, %v", how, paths, err)
		}
		f, err := m.Open("b")
		if err != nil {
			t.Fatal(err)
		}
		var path *fs.PathError
		if list, err := m.ReadDir("b"); len(list) != 0 || !errors.As(err, &path) || path.Path != "b" || path.Op != "readdir" {
			t.Errorf("%s: %v, %v", how, list, err)
		}
		if list, err := f.(fs.ReadDirFile).ReadDir(-1); len(list) != 0 || !errors.As(err, &path) || path.Path != "b" || path.Op != "readdir" {
			t.Errorf("%s: %v, %v", how, list, err)
		}
	}
}

// TestNoRoom: a size below 0 is none.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	if _, err := romfs.Open(strings.NewReader("\xd2\xcd\x31\x00"), -1); !errors.Is(err, romfs.ErrNotImage) || !strings.Contains(err.Error(), ": 0 bytes are less") {
		t.Error(err)
	}
	if got := romfs.Validate(strings.NewReader("\xd2\xcd\x31\x00"), -1); len(got) != 1 || !strings.HasPrefix(got[0].Message, "0 bytes are less") {
		t.Error(got)
	}
}

// idle reads nothing, and says nothing of it.
type idle struct{ err error }

func (i idle) ReadAt([]byte, int64) (int, error) { return 0, i.err }

// TestNothingRead: a reader that has less than was said, or gives nothing.
func TestNothingRead(t *testing.T) {
	t.Parallel()
	_, b := build(t, dir("", file("a", strings.Repeat("x", 100)), file("b", "y")), romfs.Options{})
	for name, r := range map[string]io.ReaderAt{"less": strings.NewReader(string(b[:60])), "nothing": idle{}, "the end": idle{io.EOF}} {
		m, err := romfs.Open(r, int64(len(b)))
		if err == nil {
			err = m.Walk(func(*romfs.Entry) error { return nil })
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHugeNumbers: what 63 bits hold is told, and what they do not hold is not.
func TestHugeNumbers(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"7f":                                     "a name should have 127 bytes, ",
		"ff ff ff ff ff ff ff ff 00":             "a name should have 9223372036854775680 bytes, ",
		"ff ff ff ff ff ff ff ff 7f":             "a name should have more than 2^63 bytes, ",
		"81 80 80 80 80 80 80 80 80 00":          "a name should have more than 2^63 bytes, ",
		"81 80 80 80 80 80 80 80 80 80 80 80 05": "a name should have more than 2^63 bytes, ",
	} {
		body := unhex(t, number+"61")
		got := validate(image(append([]byte{5, byte(len(body))}, body...)))
		found := slices.ContainsFunc(got, func(p romfs.Problem) bool {
			return p.Code == romfs.CodeNameOverrun && strings.HasPrefix(p.Message, want) && strings.Contains(p.Message, ", 1 fit into its record")
		})
		if !found {
			t.Errorf("%s: %v", number, got)
		}
	}
}

// TestLookupBounds: pointers to the image's end, kinds to the end of 32 bits, and names
// that begin with NUL.
func TestLookupBounds(t *testing.T) {
	t.Parallel()
	b := unhex(t, "d2 cd 31 80 1b | 8f ff ff ff 7f 00 | 05 06 01 61 03 02 00 1b | 05 05 02 00 62 02 00 | 05 04 01 63 02 00")
	if got := validate(b); len(got) != 2 || got[0].Code != romfs.CodeUnknownKind || got[1].Code != romfs.CodeNameNUL {
		t.Errorf("%v", got)
	}
	for how, m := range readers(t, b) {
		if m.Size()-m.HeaderSize() != 0x1b {
			t.Fatalf("a payload of %d bytes", m.Size()-m.HeaderSize())
		}
		if got, err := m.ReadFile("a"); len(got) != 0 || err != nil {
			t.Errorf("%s: no bytes at the end: %q, %v", how, got, err)
		}
		if _, err := m.Lookup("\x00b"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: a name that begins with NUL: %v", how, err)
		}
	}
}

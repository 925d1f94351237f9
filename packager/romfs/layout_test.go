package romfs_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"rules_romfs/packager/romfs"
)

func bulk(name, content string) *romfs.Node {
	n := file(name, content)
	n.Bulk = true
	return n
}

// placed returns the file of that path.
func placed(tb testing.TB, p *romfs.Plan, path string) romfs.Placed {
	tb.Helper()
	i := slices.IndexFunc(p.Files, func(f romfs.Placed) bool { return f.Path == path })
	if i < 0 {
		tb.Fatalf("no file %q in the plan", path)
	}
	return p.Files[i]
}

// TestAlignedExamples are aligned images worked by hand.
func TestAlignedExamples(t *testing.T) {
	for _, tc := range []struct {
		name string
		root *romfs.Node
		o    romfs.Options
		want string
	}{
		{
			// Without alignment "x" would be at 10; the data record's length takes
			// six bytes more. 17 bytes are odd, and a header that is wider by a
			// byte takes it from the padding: only the record at the end helps.
			"the padding record", dir("", aligned("a", "x", 16)), romfs.Options{},
			"d2 cd 31 10 | 05 0b 01 61 02 80 80 80 80 80 80 01 78 | 01 01 00",
		},
		{
			"an even size at once", dir("", aligned("a", "xy", 16)), romfs.Options{},
			"d2 cd 31 0e | 05 0c 01 61 02 80 80 80 80 80 80 02 78 79",
		},
		{
			"an empty file is not aligned", dir("", aligned("a", "", 64)), romfs.Options{},
			"d2 cd 31 06 | 05 04 01 61 02 00",
		},
		{
			// The first of two equal files is aligned for both; the second is a
			// pointer to payload offset 0x0c, image offset 0x10.
			"shared and aligned", dir("", file("p", "SHARED12"), aligned("q", "SHARED12", 16)), romfs.Options{Dedup: true},
			"d2 cd 31 1c | 05 12 01 70 02 80 80 80 80 80 80 08 53 48 41 52 45 44 31 32 | 05 06 01 71 03 02 08 0c",
		},
		{
			// As a pointer, q has 8 bytes instead of 22, but p would have to move to
			// offset 32, where q's bytes are as they stand.
			"not smaller in the end", dir("", file("p", "SHARED12"), aligned("q", "SHARED12", 32)), romfs.Options{Dedup: true},
			"d2 cd 31 24 | 05 0c 01 70 02 08 53 48 41 52 45 44 31 32 | 05 14 01 71 02 80 80 80 80 80 80 80 80 08 53 48 41 52 45 44 31 32",
		},
		{
			// A pointer would have as many bytes as the content.
			"not smaller", dir("", file("p", "AB"), file("q", "AB")), romfs.Options{Dedup: true},
			"d2 cd 31 10 | 05 06 01 70 02 02 41 42 | 05 06 01 71 02 02 41 42",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, got := build(t, tc.root, tc.o)
			if want := unhex(t, tc.want); !bytes.Equal(got, want) {
				t.Errorf("image\n% x, want\n% x", got, want)
			}
		})
	}
}

// TestOverLongLength makes directories whose length is near 128, with a file that
// alignment moves: a second byte of length can move the file back to where one
// byte would do. The width stays; the image must be right all the same.
func TestOverLongLength(t *testing.T) {
	t.Parallel()
	found := 0
	for size := 100; size < 140; size++ {
		for _, align := range []int64{4, 8, 16} {
			inner := aligned("f", strings.Repeat("x", size), align)
			p, b := build(t, dir("", dir("d", inner)), romfs.Options{})
			m, err := romfs.Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			got, err := m.ReadFile("d/f")
			if err != nil || len(got) != size {
				t.Errorf("size %d: %d bytes, %v", size, len(got), err)
			}
			if f := placed(t, p, "d/f"); f.Offset%align != 0 {
				t.Errorf("size %d: offset %d", size, f.Offset)
			}
			if p.Dirs[0].Padding > 0 {
				found++
			}
		}
	}
	if found == 0 {
		t.Error("no directory needed an over-long length")
	}
}

// TestPlanProperties checks what every plan promises, on random trees of every
// layout, from the bytes alone: with the reader, which another test holds to the
// driver.
func TestPlanProperties(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(15, 16))
	tails, shared := 0, 0
	for i := range 400 {
		root := randomTree(r, 30, 300)
		decorate(r, root, []int64{1, 2, 4, 8, 16, 32, 64, 256})
		for _, o := range optionsList {
			p, b := build(t, root, o)
			if again, c := build(t, shuffled(r, root, o.Layout), o); !bytes.Equal(b, c) || again.Size != p.Size {
				t.Fatalf("tree %d (%v): the order of children matters", i, o.Layout)
			}
			if o.Layout != romfs.OpenMV && len(b)%2 != 0 {
				t.Errorf("tree %d (%v): %d bytes are odd", i, o.Layout, len(b))
			}
			m, err := romfs.Open(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				t.Fatal(err)
			}
			if o.Layout == romfs.Compact && m.HeaderSize() > 12 {
				t.Errorf("tree %d: a header of %d bytes", i, m.HeaderSize())
			}
			var padding, content, pointed int64
			files, dirs := p.Files, p.Dirs
			last := int64(0)
			err = m.Walk(func(e *romfs.Entry) error {
				if e.RecordOffset < last {
					t.Errorf("%q: its record is before that of an earlier entry", e.Path())
				}
				last = e.RecordOffset
				if e.Dir {
					if d := dirs[0]; d.Path != e.Path() || d.Offset != e.Offset || d.Size != e.Size || d.RecordOffset != e.RecordOffset {
						t.Errorf("directory %+v, planned %+v", e, d)
					}
					padding += dirs[0].Padding
					dirs = dirs[1:]
					return nil
				}
				f := files[0]
				files = files[1:]
				if f.Path != e.Path() || f.Offset != e.Offset || f.Size != e.Size || f.RecordOffset != e.RecordOffset || e.Pointer != (f.SharedWith != "") {
					t.Errorf("file %+v, planned %+v", e, f)
				}
				if f.Size > 0 && (f.Align > 1 && e.Offset%f.Align != 0 || f.Given > 1 && e.Offset%f.Given != 0) {
					t.Errorf("file %q at %d, not aligned to %d and %d", f.Path, e.Offset, f.Align, f.Given)
				}
				if e.Pointer {
					pointed += f.Size
					if first := placed(t, p, f.SharedWith); e.Offset >= e.RecordOffset || first.Offset != f.Offset || first.Stored != f.Size || f.Stored != 0 {
						t.Errorf("file %q points to %d, not back to %+v", f.Path, e.Offset, first)
					}
				} else {
					content += e.Size
				}
				padding += f.Padding
				return nil
			})
			if err != nil || len(files) > 0 || len(dirs) > 0 {
				t.Errorf("tree %d (%v): walk: %v; not met: %v %v", i, o.Layout, err, files, dirs)
			}
			if pointed != p.Shared {
				t.Errorf("tree %d (%v): %d bytes are shared, planned %d", i, o.Layout, pointed, p.Shared)
			}
			if padding += p.HeaderPadding + p.TailPadding; padding != p.Padding {
				t.Errorf("tree %d (%v): %d bytes of padding, planned %d", i, o.Layout, padding, p.Padding)
			}
			if p.TailPadding > 0 && o.Layout == romfs.Compact {
				tails++
			}
			if pointed > 0 {
				shared++
			}
			if o.Dedup {
				if plain, _ := build(t, root, romfs.Options{}); p.Size > plain.Size {
					t.Errorf("tree %d: %d bytes with pointers, %d without", i, p.Size, plain.Size)
				}
			}
		}
	}
	if tails < 20 || shared < 20 {
		t.Errorf("only %d plans with a padding record, %d with pointers", tails, shared)
	}
}

// shuffled copies a tree with other orders of children, where these mean nothing.
func shuffled(r *rand.Rand, n *romfs.Node, l romfs.Layout) *romfs.Node {
	c := *n
	c.Children = make([]*romfs.Node, len(n.Children))
	for i, child := range n.Children {
		c.Children[i] = shuffled(r, child, l)
	}
	if l != romfs.OpenMV {
		r.Shuffle(len(c.Children), func(i, j int) { c.Children[i], c.Children[j] = c.Children[j], c.Children[i] })
	}
	return &c
}

// TestStable grows code and looks at where the models are.
func TestStable(t *testing.T) {
	t.Parallel()
	tree := func(code, room int) (*romfs.Plan, error) {
		return romfs.NewPlan(dir("",
			bulk("a.tflite", strings.Repeat("m", 9000)),
			file("z.py", strings.Repeat("z", code)),
			dir("b", bulk("model.bin", strings.Repeat("n", 5000)), file("labels.txt", "cat dog")),
			dir("c", file("d.py", strings.Repeat("d", code/2))),
		), romfs.Options{Layout: romfs.Stable, EraseUnit: 4096, MaxSize: int64(room)})
	}
	first, err := tree(100, 0)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, f := range first.Files {
		order = append(order, f.Path)
	}
	// Without bulk first, by name: c/, z.py; then those with: a.tflite, b/, in
	// which the same holds.
	if want := []string{"c/d.py", "z.py", "a.tflite", "b/labels.txt", "b/model.bin"}; !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
	model := placed(t, first, "a.tflite")
	if model.Offset != 4096 || !model.Boundary || first.Boundary != 4096 || first.Slack != model.Padding {
		t.Errorf("the first bulk file: %+v; boundary %d, slack %d", model, first.Boundary, first.Slack)
	}
	if first.HeaderSize != 9 || first.Dirs[0].Padding != 3 {
		t.Errorf("a header of %d bytes, directories' padding %d", first.HeaderSize, first.Dirs[0].Padding)
	}
	// All growth up to the slack moves nothing behind the boundary; one byte
	// more does.
	grown := first.Slack*2/3 - 4 // half as much in c/d.py, and longer lengths
	for _, code := range []int64{0, 1, 27, 28, 127, 128, 129, 100 + grown} {
		p, err := tree(int(code), 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"a.tflite", "b/labels.txt", "b/model.bin"} {
			if got, want := placed(t, p, path).Offset, placed(t, first, path).Offset; got != want {
				t.Errorf("%d bytes of code: %s is at %d, it was at %d", code, path, got, want)
			}
		}
		if p.Size != first.Size {
			t.Errorf("%d bytes of code: the size is %d, it was %d", code, p.Size, first.Size)
		}
	}
	p, err := tree(int(100+first.Slack), 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := placed(t, p, "a.tflite").Offset; got != 8192 {
		t.Errorf("code beyond the slack of %d: the first bulk file is at %d", first.Slack, got)
	}
	// A partition that is too small for the boundary.
	for _, room := range []int64{first.Size, first.Size - 1, 1} {
		p, err := tree(100, int(room))
		if err != nil {
			t.Fatal(err)
		}
		if dropped := room < first.Size; p.BoundaryDropped != dropped || dropped && (p.Boundary != 0 || p.BoundarySize != first.Size || p.Size > first.Size-3000) {
			t.Errorf("%d bytes of room: %+v", room, p)
		}
	}
	// The boundary and the file's own alignment both hold.
	for _, tc := range []struct{ unit, align, want int64 }{{4096, 8192, 8192}, {4096, 64, 4096}, {3000, 64, 24000}, {16, 4096, 4096}} {
		model := bulk("m", "model")
		model.Align = tc.align
		p, err := romfs.NewPlan(dir("", model), romfs.Options{Layout: romfs.Stable, EraseUnit: tc.unit})
		if err != nil || p.Files[0].Offset != tc.want {
			t.Errorf("unit %d, alignment %d: %+v, %v", tc.unit, tc.align, p.Files[0], err)
		}
	}
	// Without bulk files there is nothing to keep in place.
	none, err := romfs.NewPlan(dir("", file("a", "x")), romfs.Options{Layout: romfs.Stable})
	if err != nil || none.Boundary != 0 || none.BoundaryDropped || none.Size != 9+7 {
		t.Errorf("no bulk: %+v, %v", none, err)
	}
}

// TestOpenMVStock lays out the three cascades of OpenMV's stock image for the
// M4. Its offsets, its size and its first 16 bytes are those of the image that
// OpenMV ships (OPENMV2_romfs0.img).
func TestOpenMVStock(t *testing.T) {
	p, b := build(t, dir("",
		file("haarcascade_eye.cascade", strings.Repeat("e", 19041)),
		file("haarcascade_smile.cascade", strings.Repeat("s", 10280)),
		file("haarcascade_frontalface.cascade", strings.Repeat("f", 52396)),
	), romfs.Options{Layout: romfs.OpenMV})
	if p.Size != 81852 {
		t.Errorf("size %d", p.Size)
	}
	for i, want := range []int64{52, 19132, 29456} {
		if p.Files[i].Offset != want {
			t.Errorf("file %d is at %d, want %d", i, p.Files[i].Offset, want)
		}
	}
	want := unhex(t, `d2 cd 31 80 80 80 80 80 80 80 80 80 80 84 ff 2c
		05 80 80 80 80 81 94 7d 17`+hex.EncodeToString([]byte("haarcascade_eye.cascade"))+"02 81 94 61 65")
	if got := b[:len(want)]; !bytes.Equal(got, want) {
		t.Errorf("starts with\n% x, want\n% x", got, want)
	}
}

// TestOpenMVNested is worked by hand from the rules of OpenMV's builders: in the
// order given, file headers of 8 bytes, content padded to its alignment (4 if
// none is given, empty files too), directories' content to the largest of all.
func TestOpenMVNested(t *testing.T) {
	_, got := build(t, dir("",
		file("b", "xyz"),
		dir("d", aligned("m", "MODEL", 16), dir("e", file("f", ""))),
		file("a", "1"),
	), romfs.Options{Layout: romfs.OpenMV, DirAlign: 16})
	want := unhex(t, "d2 cd 31"+strings.Repeat("80", 12)+"59"+ // 105 bytes less 16
		"05 80 80 80 80 80 80 07 | 01 62 | 02 03 78 79 7a"+ // at 16: content at 28, which needs no padding
		"04"+strings.Repeat("80", 13)+"2e | 01 64"+ // at 31: content at 48; 92 less 46
		"05 80 80 80 80 80 80 0d | 01 6d | 02 80 80 80 80 05 | 4d 4f 44 45 4c"+ // at 48: content at 64
		"04 80 80 80 80 80 80 80 0e | 01 65"+ // at 69: content at 80; 92 less 78
		"05 80 80 80 80 80 80 04 | 01 66 | 02 00"+ // at 80: content at 92
		"05 80 80 80 80 80 80 05 | 01 61 | 02 01 31") // at 92: content at 104
	if !bytes.Equal(got, want) {
		t.Errorf("image\n% x, want\n% x", got, want)
	}
}

// TestBadTrees are refused with the path of the node.
func TestBadTrees(t *testing.T) {
	for _, tc := range []struct {
		root *romfs.Node
		path string
	}{
		{nil, "."},
		{file("a", ""), "."},
		{dir("", file("", "")), ""},
		{dir("", dir("d", file(".", ""))), "d/."},
		{dir("", dir("d", file("..", ""))), "d/.."},
		{dir("", file("a/b", "")), "a/b"},
		{dir("", dir("a\x00b")), "a\x00b"},
		{dir("", dir("d", file("x", ""), dir("x"))), "d/x"},
		{dir("", nil), "."},
		{dir("", aligned("a", "x", 3)), "a"},
		{dir("", aligned("a", "x", -4)), "a"},
		{dir("", aligned("a", "x", 1<<40)), "a"},
		{dir("", &romfs.Node{Name: "a", Size: -1}), "a"},
		{dir("", &romfs.Node{Name: "a", Size: 1 << 32}), "a"},
		{dir("", &romfs.Node{Name: "a", Children: []*romfs.Node{file("b", "")}}), "a"},
	} {
		for _, l := range []romfs.Layout{romfs.Compact, romfs.Stable, romfs.OpenMV} {
			_, err := romfs.NewPlan(tc.root, romfs.Options{Layout: l})
			var bad *romfs.TreeError
			if !errors.As(err, &bad) || bad.Path != tc.path {
				t.Errorf("%v: error %v, want one at %q", l, err, tc.path)
			}
		}
	}
	deep, root := dir("x"), dir("")
	root.Children = []*romfs.Node{deep}
	for range romfs.MaxDepth - 1 {
		next := dir("x")
		deep.Children, deep = []*romfs.Node{next}, next
	}
	if _, err := romfs.NewPlan(root, romfs.Options{}); err != nil {
		t.Error(err)
	}
	root.Name = "x"
	deep.Children = []*romfs.Node{root} // and so on for ever
	for _, l := range []romfs.Layout{romfs.Compact, romfs.Stable} {
		if _, err := romfs.NewPlan(root, romfs.Options{Layout: l}); err == nil || !strings.Contains(err.Error(), "deeper than 1000") {
			t.Errorf("%v: a tree within itself: %v", l, err)
		}
	}
	for _, o := range []romfs.Options{{Layout: 9}, {EraseUnit: -1}, {DirAlign: 3}, {WriteUnit: -1}} {
		if _, err := romfs.NewPlan(dir(""), o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
	half := &romfs.Node{Name: "a", Size: 1 << 31}
	other := &romfs.Node{Name: "b", Size: 1 << 31}
	if _, err := romfs.NewPlan(dir("", half, other), romfs.Options{}); err == nil {
		t.Error("an image of 4 GiB is accepted")
	}
}

func TestLayoutNames(t *testing.T) {
	for _, l := range []romfs.Layout{romfs.Compact, romfs.Stable, romfs.OpenMV} {
		if got, err := romfs.ParseLayout(l.String()); got != l || err != nil {
			t.Errorf("%v: %v, %v", l, got, err)
		}
	}
	if _, err := romfs.ParseLayout("dense"); err == nil || !strings.Contains(err.Error(), "compact, stable, openmv") {
		t.Errorf("%v", err)
	}
}

// TestShortestHeader: a payload of 126 bytes has a length of one byte, in whose image no
// byte is padding.
func TestShortestHeader(t *testing.T) {
	t.Parallel()
	_, b := build(t, dir("", file("a", strings.Repeat("x", 120))), romfs.Options{})
	if len(b) != 130 || b[3] != 126 {
		t.Fatalf("%d bytes, which begin with % x", len(b), b[:8])
	}
	for how, m := range readers(t, b) {
		if s := contiguous(t, m)[0]; s.Kind != romfs.SpanHeader || s.To != 4 {
			t.Errorf("%s: the header ends at %d", how, s.To)
		}
	}
}

// TestPointerThatSavesNothing: where a pointer would be as long as the bytes, they are
// stored again, and the alignment that they need is not asked of the first copy any more.
func TestPointerThatSavesNothing(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("l", 50) // of which a pointer saves much, so that there are pointers at all
	p, _ := build(t, dir("", file("a", "xy"), aligned("b", "xy", 4), file("c", long), file("d", long)), romfs.Options{Dedup: true})
	if a, b := placed(t, p, "a"), placed(t, p, "b"); a.Offset != 10 || b.Offset != 20 {
		t.Errorf("a is at %d and b at %d, not at 10 and 20", a.Offset, b.Offset)
	}
}

// TestPointersBesideRecords: what stands before and behind a pointer in its file is part of
// the file's length.
func TestPointersBesideRecords(t *testing.T) {
	t.Parallel()
	second := file("b", strings.Repeat("x", 100))
	second.Before, second.After = []byte("\x07\x01x"), []byte("\x07\x03yyy")
	_, b := build(t, dir("", file("a", strings.Repeat("x", 100)), second), romfs.Options{Dedup: true})
	if !bytes.HasSuffix(b, []byte("\x05\x0e\x01b\x07\x01x\x03\x02\x64\x06\x07\x03yyy")) {
		t.Errorf("the image ends with % x", b[len(b)-24:])
	}
}

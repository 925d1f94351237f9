package romfs_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rules_romfs/internal/vfsrom"
	"rules_romfs/packager/romfs"
)

// names lists what is in an image, in its order.
func names(t *testing.T, m *romfs.Image) []string {
	t.Helper()
	var list []string
	if err := m.Walk(func(e *romfs.Entry) error { list = append(list, e.Path()); return nil }); err != nil {
		t.Fatal(err)
	}
	return list
}

func rewrite(t *testing.T, b []byte, o romfs.RewriteOptions) (*romfs.Image, *romfs.Plan, []byte) {
	t.Helper()
	m, err := romfs.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if o.Layout, err = m.Layout(); err != nil {
		t.Fatal(err)
	}
	p, err := m.Rewrite(o)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if n, err := p.WriteTo(&out); err != nil || n != p.Size {
		t.Fatal(n, p.Size, err)
	}
	for _, problem := range romfs.Validate(bytes.NewReader(out.Bytes()), p.Size) {
		if problem.Severity == romfs.Error {
			t.Fatal(problem)
		}
	}
	return m, p, out.Bytes()
}

// TestRewriteProperties rewrites images that mpremote and layouts stable and
// openmv made without the alignment that is needed: 16, 32, 64 or 128 bytes for
// names with an a. Everything is there afterwards, in the same order and layout,
// and MicroPython's driver finds each such file where it is aligned.
func TestRewriteProperties(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(31, 32))
	folder := t.TempDir()
	var jobs []mpremoteJob
	var sources [][]byte
	for i := range 24 {
		root := randomTree(r, 25, 200)
		job := mpremoteJob{Out: filepath.Join(folder, fmt.Sprint(i, ".img")), Dir: filepath.Join(folder, fmt.Sprint(i))}
		putTree(t, root, job.Dir)
		jobs = append(jobs, job)
		for _, n := range root.Children {
			n.Bulk = !n.Dir && r.IntN(3) == 0
		}
		for _, o := range []romfs.Options{{Layout: romfs.Stable}, {Layout: romfs.OpenMV}, {Dedup: true}} {
			_, b := build(t, root, o)
			sources = append(sources, b)
		}
	}
	mpremoteBuild(t, jobs)
	for _, job := range jobs {
		b, err := os.ReadFile(job.Out)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, b)
	}
	var cases []vfsrom.Case
	var moved []*romfs.Plan
	var aligns []int64
	for i, b := range sources {
		align := int64(16) << (i % 4)
		o := romfs.RewriteOptions{DirAlign: align, EraseUnit: 4096, Align: func(e *romfs.Entry) int64 {
			if strings.Contains(e.Name, "a") {
				return align
			}
			return 0
		}}
		before, p, out := rewrite(t, b, o)
		after, err := romfs.Parse(out)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := names(t, after), names(t, before); !slices.Equal(got, want) {
			t.Fatalf("image %d: %q, were %q", i, got, want)
		}
		if p.Layout == romfs.OpenMV {
			readableByOpenMV(t, out)
		}
		if again, err := after.Layout(); err != nil || again != p.Layout {
			t.Errorf("image %d (%v): it looks like layout %v, %v", i, p.Layout, again, err)
		}
		for _, f := range p.Files {
			was, err := before.ReadFile(f.Path)
			if err != nil {
				t.Fatal(err)
			}
			is, err := after.ReadFile(f.Path)
			if err != nil || !bytes.Equal(was, is) {
				t.Fatalf("image %d: %q: other content, %v", i, f.Path, err)
			}
		}
		cases, moved, aligns = append(cases, vfsrom.Case{Image: hex.EncodeToString(out), Align: 4096}), append(moved, p), append(aligns, align)
	}
	checked := 0
	for i, got := range vfsrom.Run(t, cases, 60) {
		for _, f := range moved[i].Files {
			fact := got.List["/"+f.Path]
			if fact.Err != "" || fact.Size != f.Size {
				t.Fatalf("image %d: %q: the driver says %+v", i, f.Path, fact)
			}
			if name := f.Path[strings.LastIndexByte(f.Path, '/')+1:]; f.Size > 0 && strings.Contains(name, "a") {
				checked++
				if fact.Offset%aligns[i] != 0 {
					t.Errorf("image %d: %q is at %d, which is not aligned to %d", i, f.Path, fact.Offset, aligns[i])
				}
			}
		}
	}
	if checked < 60 {
		t.Errorf("only %d files had to be aligned", checked)
	}
}

// TestRewriteEqualsBuild: a compact image without alignment becomes what a build
// with it gives, byte for byte.
func TestRewriteEqualsBuild(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(33, 34))
	for i := range 100 {
		root := randomTree(r, 25, 200)
		_, plain := build(t, root, romfs.Options{})
		_, _, got := rewrite(t, plain, romfs.RewriteOptions{Align: func(*romfs.Entry) int64 { return 32 }})
		var align func(n *romfs.Node)
		align = func(n *romfs.Node) {
			n.Align = 32
			for _, c := range n.Children {
				align(c)
			}
		}
		align(root)
		if _, want := build(t, root, romfs.Options{}); !bytes.Equal(got, want) {
			t.Fatalf("tree %d: %d bytes, a build gives %d", i, len(got), len(want))
		}
	}
}

// TestRewriteKeeps: unknown records, comments and the order stay; gaps go; a
// record that a file points to becomes the file's. Worked by hand.
func TestRewriteKeeps(t *testing.T) {
	in := unhex(t, "d2 cd 31 28"+
		"09 02 aa bb"+ // a kind that nobody knows
		"01 03 80 80 80"+ // a gap
		"01 02 68 69"+ // a comment
		"02 04 53 48 41 52"+ // data of p
		"05 06 01 70 03 02 04 0f"+ // p points to it
		"05 0b 01 61 0a 01 07 02 01 78 0b 01 08") // a, with records around its data
	_, p, out := rewrite(t, in, romfs.RewriteOptions{Align: func(e *romfs.Entry) int64 { return 16 }})
	want := unhex(t, "d2 cd 31 30"+ // at 4
		"09 02 aa bb | 01 02 68 69"+ // at 12
		"05 16 01 70 02"+strings.Repeat("80", 14)+"04 53 48 41 52"+ // content at 32
		"05 0e 01 61 0a 01 07 02 80 80 80 01 78 0b 01 08") // content at 48
	if len(p.Files) != 2 || p.Files[0].Path != "p" || p.Files[1].Path != "a" {
		t.Errorf("files %+v", p.Files)
	}
	if !bytes.Equal(out, want) {
		t.Errorf("%v\n% x, want\n% x", p.Files, out, want)
	}
}

// TestLayoutOf: the layout of an image, by what its writer did and nothing else.
func TestLayoutOf(t *testing.T) {
	t.Parallel()
	twice := strings.Repeat("x", 50)
	tree := dir("", file("a", twice), dir("d", file("b", twice), dir("e")))
	for name, c := range map[string]struct {
		image []byte
		want  romfs.Layout
	}{
		"compact":         {imageOf(build(t, tree, romfs.Options{})), romfs.Compact},
		"stable":          {imageOf(build(t, tree, romfs.Options{Layout: romfs.Stable})), romfs.Stable},
		"wider":           {imageOf(build(t, tree, romfs.Options{Layout: romfs.Stable, WriteUnit: 32})), romfs.Stable},
		"openmv":          {imageOf(build(t, tree, romfs.Options{Layout: romfs.OpenMV})), romfs.OpenMV},
		"a pointer":       {imageOf(build(t, tree, romfs.Options{Dedup: true, WriteUnit: 4})), romfs.Compact},
		"narrow lengths":  {imageOf(build(t, tree, romfs.Options{WriteUnit: 4})), romfs.Compact},
		"wide lengths":    {unhex(t, "d2 cd 31 80 80 80 80 80 0b | 04 80 80 80 06 01 64 05 02 01 61"), romfs.Stable},
		"narrower":        {unhex(t, "d2 cd 31 80 80 80 80 80 0a | 04 80 80 06 01 64 05 02 01 61"), romfs.Compact},
		"a short header":  {unhex(t, "d2 cd 31 80 80 80 80 0b | 04 80 80 80 06 01 64 05 02 01 61"), romfs.Compact},
		"16 bytes, no 8":  {unhex(t, "d2 cd 31 80 80 80 80 80 80 80 80 80 80 80 80 06 | 05 04 01 61 02 00"), romfs.Stable},
		"16 bytes, and 8": {unhex(t, "d2 cd 31 80 80 80 80 80 80 80 80 80 80 80 80 0c | 05 80 80 80 80 80 80 04 01 61 02 00"), romfs.OpenMV},
		"16 bytes, and 9": {unhex(t, "d2 cd 31 80 80 80 80 80 80 80 80 80 80 80 80 0d | 05 80 80 80 80 80 80 80 04 01 61 02 00"), romfs.Stable},
	} {
		m, err := romfs.Parse(c.image)
		if err != nil {
			t.Fatal(name, err)
		}
		got, err := m.Layout()
		if damaged := name == "wide lengths" || name == "narrower" || name == "a short header"; got != c.want || (err != nil) != damaged {
			t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
		}
	}
}

func imageOf(_ *romfs.Plan, image []byte) []byte { return image }

// TestRewriteBounds: pointers are kept or not, and so are depths.
func TestRewriteBounds(t *testing.T) {
	t.Parallel()
	any := func(*romfs.Entry) int64 { return 1 }
	twice := strings.Repeat("x", 50)
	for _, o := range []romfs.Options{{Dedup: true}, {}} {
		_, b := build(t, dir("", file("a", twice), file("b", twice)), o)
		for _, without := range []bool{false, true} {
			if _, p, _ := rewrite(t, b, romfs.RewriteOptions{Align: any, NoPointers: without}); (p.Shared > 0) != (o.Dedup && !without) {
				t.Errorf("built with %+v, rewritten without pointers: %t; %d bytes are shared", o, without, p.Shared)
			}
		}
	}
	_, b := build(t, dir("", deep("d", romfs.MaxDepth, file("f", ""))), romfs.Options{})
	if _, p, _ := rewrite(t, b, romfs.RewriteOptions{Align: any}); len(p.Files) != 1 {
		t.Errorf("%d files", len(p.Files))
	}
	deeper := nested(romfs.MaxDepth + 1)
	copy(deeper[len(deeper)-4:], "\x01\x02\x00\x00") // a gap in place of a file without data
	m, err := romfs.Parse(image(deeper))
	if err != nil {
		t.Fatal(err)
	}
	var tree *romfs.TreeError
	if _, err := m.Rewrite(romfs.RewriteOptions{Align: any}); !errors.As(err, &tree) || tree.Path != strings.Repeat("d/", romfs.MaxDepth)+"d" {
		t.Errorf("nested deeper: %v", err)
	}
}

// TestRewriteAligns: a file keeps the alignment that its place has where somebody
// aligned files, up to 128 bytes, and gets what is asked for where that is more.
func TestRewriteAligns(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		was, asked, want int64
	}{
		"none": {1, 1, 1}, "asked": {1, 32, 32}, "kept": {64, 1, 64}, "kept, not less": {64, 16, 64}, "more": {64, 256, 256}, "kept at most": {4096, 1, 128},
	} {
		_, b := build(t, dir("", file("a", "x"), aligned("b", "bytes", c.was), file("c", "")), romfs.Options{})
		_, p, _ := rewrite(t, b, romfs.RewriteOptions{Align: func(e *romfs.Entry) int64 {
			if e.Name == "b" {
				return c.asked
			}
			return 0
		}})
		if got := p.Files[1]; got.Align != c.want || got.Offset%c.want != 0 || p.Files[2].Align != 1 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	// Layout stable has its boundary again, and layout OpenMV its least alignment.
	bulk := file("b", "bulk")
	bulk.Bulk = true
	_, b := build(t, dir("", file("a", "x"), bulk, file("c", "z")), romfs.Options{Layout: romfs.Stable, EraseUnit: 512})
	for unit, want := range map[int64]bool{512: true, 256: true, 1024: false, 1: false, 0: false} {
		_, p, _ := rewrite(t, b, romfs.RewriteOptions{EraseUnit: unit, Align: func(*romfs.Entry) int64 { return 0 }})
		if p.Layout != romfs.Stable || p.Files[2].Path != "b" || p.Files[2].Boundary != want {
			t.Errorf("a unit of %d: %+v", unit, p.Files)
		}
	}
	_, b = build(t, dir("", file("a", "x"), file("b", "y")), romfs.Options{Layout: romfs.OpenMV})
	if _, p, out := rewrite(t, b, romfs.RewriteOptions{Align: func(*romfs.Entry) int64 { return 0 }}); !bytes.Equal(b, out) || p.Files[0].Align != 4 {
		t.Errorf("% x, was % x", out, b)
	}
}

// TestRewriteLeast: layout OpenMV aligns to 4 bytes also where no file has padding yet.
func TestRewriteLeast(t *testing.T) {
	t.Parallel()
	_, b := build(t, dir("", file("a", "x")), romfs.Options{Layout: romfs.OpenMV})
	if _, p, _ := rewrite(t, b, romfs.RewriteOptions{Align: func(*romfs.Entry) int64 { return 0 }}); p.Files[0].Align != 4 || p.Files[0].Padding != 6 {
		t.Errorf("%+v", p.Files)
	}
}

// TestRewriteRecords: what nobody points to stays, and so do comments that begin with a
// zero; gaps of any byte go.
func TestRewriteRecords(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"02 02 53 48 | 05 04 01 61 02 00":                   "02 02 53 48 | 05 04 01 61 02 00",
		"02 02 53 48 | 05 06 01 61 03 02 02 02":             "05 06 01 61 02 02 53 48",
		"02 00 | 05 06 01 61 03 02 00 02":                   "05 04 01 61 02 00",
		"01 02 00 01 | 05 04 01 61 02 00":                   "01 02 00 01 | 05 04 01 61 02 00",
		"01 02 00 00 | 01 02 01 01 | 05 04 01 61 02 00":     "05 04 01 61 02 00",
		"05 08 01 61 01 02 07 07 02 00":                     "05 04 01 61 02 00",
		"05 08 01 61 01 02 00 07 02 00":                     "05 08 01 61 01 02 00 07 02 00",
		"05 09 01 61 02 01 78 01 02 07 08 | 05 03 01 62 02": "",
		"04 02 01 64 | 05 05 01 61 02 01 78 ":               "04 02 01 64 | 05 05 01 61 02 01 78",
	} {
		payload := unhex(t, in)
		m, err := romfs.Parse(append([]byte{0xd2, 0xcd, 0x31, byte(len(payload))}, payload...))
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.Rewrite(romfs.RewriteOptions{Align: func(*romfs.Entry) int64 { return 0 }})
		if want == "" {
			if !errors.As(err, new(*romfs.FormatError)) {
				t.Errorf("%s: %v", in, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		var out bytes.Buffer
		if _, err := p.WriteTo(&out); err != nil || !bytes.Equal(out.Bytes()[p.HeaderSize:], unhex(t, want)) {
			t.Errorf("%s: % x, %v; want %s", in, out.Bytes(), err, want)
		}
	}
}

// TestRewriteSums: what a pointer points to is one content for all of them.
func TestRewriteSums(t *testing.T) {
	t.Parallel()
	twice := strings.Repeat("x", 50)
	_, b := build(t, dir("", file("a", twice), file("b", twice), file("c", twice)), romfs.Options{Dedup: true})
	_, p, _ := rewrite(t, b, romfs.RewriteOptions{Align: func(e *romfs.Entry) int64 {
		if e.Name == "c" {
			return 32
		}
		return 0
	}})
	a, c := p.Files[0], p.Files[2]
	if a.Given != 32 || a.AlignedFor != "c" || c.SharedWith != "a" || p.Shared != 100 {
		t.Errorf("%+v", p.Files)
	}
}

// TestAlignedFor: who asked for the alignment of shared bytes, if not their first file.
func TestAlignedFor(t *testing.T) {
	t.Parallel()
	twice := strings.Repeat("x", 50)
	for _, c := range []struct {
		first, other int64
		want         string
	}{{0, 0, ""}, {0, 1, ""}, {0, 2, "b"}, {1, 2, "b"}, {2, 2, ""}, {4, 2, ""}, {16, 16, ""}, {2, 16, "b"}} {
		p, _ := build(t, dir("", aligned("a", twice, c.first), aligned("b", twice, c.other)), romfs.Options{Dedup: true})
		if got := p.Files[0].AlignedFor; got != c.want || p.Shared == 0 {
			t.Errorf("%d and %d: for %q, want %q; %+v", c.first, c.other, got, c.want, p.Files)
		}
	}
}

// TestRewriteSeesAlignment: padding before a file's bytes, one byte of it before one byte of
// content already, says that somebody aligned files; padding of an empty file does not.
func TestRewriteSeesAlignment(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, payload, path string
		want                int64
	}{
		{"six bytes before one", "05 0b 01 61 02 80 80 80 80 80 80 01 78", "a", 16},
		{"one byte before one", "05 0b 06 61 61 61 61 61 61 02 80 01 78", "aaaaaa", 16},
		{"three bytes of an empty file", "05 07 01 61 02 80 80 80 00 | 05 06 02 62 62 02 01 78", "bb", 17},
	} {
		payload := unhex(t, tc.payload)
		_, p, _ := rewrite(t, append([]byte{0xd2, 0xcd, 0x31, byte(len(payload))}, payload...), romfs.RewriteOptions{Align: func(*romfs.Entry) int64 { return 1 }})
		if got := placed(t, p, tc.path).Offset; got != tc.want {
			t.Errorf("%s: the content is at %d, not at %d", tc.name, got, tc.want)
		}
	}
}

// TestRewriteSharesWhatWasShared, and no other files, equal as they may be.
func TestRewriteSharesWhatWasShared(t *testing.T) {
	t.Parallel()
	shared, apart := strings.Repeat("s", 50), strings.Repeat("t", 50)
	c, d := file("c", apart), file("d", apart)
	c.Sum, d.Sum = [32]byte{}, [32]byte{}
	_, b := build(t, dir("", file("a", shared), file("b", shared), c, d), romfs.Options{Dedup: true})
	_, p, _ := rewrite(t, b, romfs.RewriteOptions{Align: func(*romfs.Entry) int64 { return 1 }})
	for path, stored := range map[string]int64{"a": 50, "b": 0, "c": 50, "d": 50} {
		if got := placed(t, p, path).Stored; got != stored {
			t.Errorf("%s stores %d bytes, not %d", path, got, stored)
		}
	}
}

// TestRewriteKeepsTheEraseUnit: in layout stable the file behind a gap that starts on an
// erase unit starts on one again; one that lies there by chance, or has no bytes, does not.
func TestRewriteKeepsTheEraseUnit(t *testing.T) {
	t.Parallel()
	const unit = 4096
	o := romfs.Options{Layout: romfs.Stable, EraseUnit: unit}
	// Of so many bytes, a is followed by z at the first unit, without a gap.
	p, _ := build(t, dir("", file("a", strings.Repeat("a", 3000)), file("z", "z")), o)
	full := 3000 + int(unit-placed(t, p, "z").Offset)

	for name, tc := range map[string]struct {
		before int // bytes of a
		z      *romfs.Node
		shift  int64 // alignment of a, which moves what is behind it
		want   func(z int64) bool
	}{
		"one byte":                  {100, bulk("z", "z"), 1, func(z int64) bool { return z == unit }},
		"no byte":                   {100, bulk("z", ""), 1, func(z int64) bool { return z < unit }},
		"by chance":                 {full, file("z", "z"), 64, func(z int64) bool { return z > unit && z < unit+64 }},
		"behind a gap of one byte":  {full - 1, bulk("z", "z"), 64, func(z int64) bool { return z == 2*unit }},
		"the same, with more bytes": {full - 1, bulk("z", strings.Repeat("z", 100)), 64, func(z int64) bool { return z == 2*unit }},
	} {
		_, b := build(t, dir("", file("a", strings.Repeat("a", tc.before)), tc.z), o)
		_, p, _ := rewrite(t, b, romfs.RewriteOptions{EraseUnit: unit, Align: func(e *romfs.Entry) int64 {
			if e.Name == "a" {
				return tc.shift
			}
			return 1
		}})
		if z := placed(t, p, "z").Offset; !tc.want(z) {
			t.Errorf("%s: z is at %d", name, z)
		}
	}
}

// TestRewriteOfEmptyFiles: where there are no bytes, there is no alignment to be kept.
func TestRewriteOfEmptyFiles(t *testing.T) {
	t.Parallel()
	_, b := build(t, dir("", aligned("a", "x", 16), aligned("e", "", 128)), romfs.Options{Layout: romfs.OpenMV})
	_, p, _ := rewrite(t, b, romfs.RewriteOptions{Align: func(*romfs.Entry) int64 { return 1 }})
	if e := placed(t, p, "e").Offset; e >= 128 {
		t.Errorf("the empty file is at %d", e)
	}
}

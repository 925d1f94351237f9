package romfs_test

import (
	"bytes"
	"encoding/hex"
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
	if !bytes.Equal(out, want) {
		t.Errorf("%v\n% x, want\n% x", p.Files, out, want)
	}
}

package manifest

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rules_romfs/manifest/internal/code"
)

const twoImages = `version: 1
name: ae3
board: openmv-ae3
layout: openmv
mpy: {optimize: 2, keep_source: [a.py]}
align: [{match: "*.bin", to: 8}]
exclude: ["*_test.py"]
budget: {max: 1MiB, warn: 50%}
lint: {allow: [case]}
images:
  - partition: romfs0
    files:
      - src: "*.py"
      - src: a.bin
  - partition: 1
    name: small
    output: helper.romfs
    layout: stable
    dedup: true
    mpy: {version: "1.28", optimize: 3}
    align: [{match: "a.*", to: 32}]
    exclude: [b.py]
    budget: {warn: 10KiB}
    lint: {allow: [non-ascii]}
    files:
      - src: "*.py"
      - src: ["*.bin"]
`

// The top level holds the defaults of every image, and every name of a place
// is that of the place in the file.
func TestImages(t *testing.T) {
	root := writeTree(t, "a.py", "b.py", "b_test.py", "a.bin", "b.bin")
	m, err := Parse([]byte(twoImages), filepath.Join(root, "romfs.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	images := m.Images()
	if len(images) != 2 {
		t.Fatalf("%d images", len(images))
	}
	type file struct {
		Dest, Rule string
		Optimize   int
		MPYFrom    string
		Align      int64
		AlignFrom  string
		Line       int
	}
	type image struct {
		Name, Output, Board, Partition, Layout, MPYVersion, Max, Warn string
		Dedup                                                         bool
		Allow                                                         []LintCode
		Files                                                         []file
	}
	var got []image
	for _, m := range images {
		if !slices.Equal(m.Images(), []*Manifest{m}) {
			t.Error("an image has others")
		}
		p, warns, err := Resolve(context.Background(), m, nil, ResolveOptions{})
		warns = slices.DeleteFunc(warns, func(w Warning) bool { return w.Code == code.LintPySource })
		if err != nil || len(warns) > 0 {
			t.Fatal(err, warns)
		}
		im := image{
			Name: p.Name, Output: m.Output, Board: p.Board, Partition: p.Partition, Layout: p.Layout, MPYVersion: p.MPYVersion,
			Max: p.Budget.Max.String(), Warn: p.Budget.Warn.String(), Dedup: p.Dedup != nil && *p.Dedup, Allow: p.Allow,
		}
		for _, e := range p.Entries {
			f := file{Dest: e.Dest, Rule: e.Rule, MPYFrom: e.MPYFrom, Align: e.Align, AlignFrom: e.AlignFrom, Line: e.Line}
			if e.MPY != nil {
				f.Optimize = e.MPY.Optimize
			}
			im.Files = append(im.Files, f)
		}
		got = append(got, im)
	}
	want := []image{
		{Name: "ae3-romfs0", Output: "romfs0.img", Board: "openmv-ae3", Partition: "romfs0", Layout: "openmv", Max: "1MiB", Warn: "50%", Allow: []LintCode{"case"}, Files: []file{
			{"a.py", "images[0].files[0]", 0, "keep_source: a.py", 4, "layout openmv", 13},
			{"b.mpy", "images[0].files[0]", 2, "mpy", 4, "layout openmv", 13},
			{"a.bin", "images[0].files[1]", 0, "", 8, "align[0] (*.bin)", 14},
		}},
		{Name: "small", Output: "helper.romfs", Board: "openmv-ae3", Partition: "1", Layout: "stable", MPYVersion: "1.28", Max: "1MiB", Warn: "10KiB", Dedup: true, Allow: []LintCode{"case", "non-ascii"}, Files: []file{
			{"a.py", "images[1].files[0]", 0, "keep_source: a.py", 32, "images[1].align[0] (a.*)", 26},
			{"a.bin", "images[1].files[1]", 0, "", 32, "images[1].align[0] (a.*)", 27},
			{"b.bin", "images[1].files[1]", 0, "", 8, "align[0] (*.bin)", 27},
		}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for at, line := range map[string]int{"budget.warn": 23, "budget.max": 8, "board": 3, "mpy.version": 20, "partition": 15} {
		if p := images[1].Pos(at); p.Line != line {
			t.Errorf("%s is in line %d, want %d", at, p.Line, line)
		}
	}
	// The manifest as a whole is none that could be resolved.
	var e *Error
	if _, _, err := Resolve(context.Background(), m, nil, ResolveOptions{}); !errors.As(err, &e) || e.Code != CodeImages {
		t.Errorf("resolving all: %v", err)
	}
}

// A manifest with one image is its own; images with one entry is that one.
func TestImagesOfOne(t *testing.T) {
	m, err := Parse([]byte(head+"output: x.img\nfiles: []\n"), "romfs.yaml")
	if err != nil || len(m.Images()) != 1 || m.Images()[0] != m || m.Output != "x.img" {
		t.Error(m, err)
	}
	if m, err = Parse([]byte(head+"files: []\n"), "romfs.yaml"); err != nil || m.Output != "app.romfs" {
		t.Error(m, err)
	}
	root := writeManifests(t, map[string]string{
		"romfs.yaml": head + "files:\n  - {image: a.yaml, dest: a.romfs}\n",
		"a.yaml":     head + "images: [{partition: romfs1, files: [{src: a.yaml}]}]\n",
	})
	if m, err = Load(filepath.Join(root, "romfs.yaml")); err != nil {
		t.Fatal(err)
	}
	p, _, err := Resolve(context.Background(), m, nil, ResolveOptions{})
	if err != nil || p.Entries[0].Nested.Entries[0].Rule != "images[0].files[0]" {
		t.Error(p, err)
	}
}

// A pattern of the top level that one image has no use for is none to warn of,
// unless no image has.
func TestImagesUnused(t *testing.T) {
	root := writeTree(t, "a", "b")
	m, err := Parse([]byte(head+`align: [{match: a, to: 4}, {match: c, to: 4}, {match: d, to: 4}]
images:
  - {partition: romfs0, align: [{match: b, to: 8}], files: [{src: a}]}
  - {partition: romfs1, files: [{src: b}]}
`), filepath.Join(root, "romfs.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var plans []*Plan
	var own []string
	for _, im := range m.Images() {
		p, warns, err := Resolve(context.Background(), im, nil, ResolveOptions{})
		if err != nil {
			t.Fatal(err)
		}
		plans = append(plans, p)
		for _, w := range warns {
			own = append(own, w.Rule)
		}
	}
	if !slices.Equal(own, []string{"images[0].align[0].match"}) {
		t.Errorf("each image warns of %v", own)
	}
	var shared []string
	for _, w := range Unused(plans) {
		shared = append(shared, w.Rule+" "+w.Message)
	}
	if d := cmp.Diff([]string{`align[1].match "c" matches no file of any image`, `align[2].match "d" matches no file of any image`}, shared); d != "" {
		t.Error(d)
	}
	silent, _, err := Resolve(context.Background(), m.Images()[0], nil, ResolveOptions{Allow: []LintCode{code.LintUnused}})
	if err != nil || len(Unused([]*Plan{silent, plans[1]})) > 0 {
		t.Error(err, "a silenced warning")
	}
}

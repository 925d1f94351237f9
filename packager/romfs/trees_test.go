package romfs_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rules_romfs/internal/trees"
	"rules_romfs/internal/vfsrom"
	"rules_romfs/packager/romfs"
)

// needs are the alignments that trees are laid out with here.
func needs(name string) int64 {
	switch strings.ToLower(path.Ext(name)) {
	case ".tflite", ".onnx":
		return 32
	case ".bin":
		return 128
	case ".cascade", ".lite":
		return 4
	}
	return 0
}

// checkTree lays a tree out, and holds what readers find against it. It returns
// the case for the driver, and what that has to say.
func checkTree(t trees.TB, tree trees.Tree, o romfs.Options) (vfsrom.Case, *romfs.Plan) {
	t.Helper()
	p, err := romfs.NewPlan(tree.Root(needs), o)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := p.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	m, err := romfs.Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	tree.CheckImage(t, m)
	checkSpans(t, m, p)
	for _, f := range p.Files {
		if n := needs(f.Path); n > 1 && f.Size > 0 && f.Offset%n != 0 {
			t.Errorf("tree %s (%v): %q is at %d, and needs %d", tree.Name, o.Layout, f.Path, f.Offset, n)
		}
	}
	for _, problem := range romfs.Validate(bytes.NewReader(b.Bytes()), p.Size) {
		if problem.Severity == romfs.Error {
			t.Errorf("tree %s (%v): %v", tree.Name, o.Layout, problem)
		}
	}
	return vfsrom.Case{Image: hex.EncodeToString(b.Bytes()), Align: 4096}, p
}

// checkDriver compares what the driver finds with the plan.
func checkDriver(t *testing.T, cases []vfsrom.Case, plans []*romfs.Plan) {
	t.Helper()
	for i, got := range vfsrom.Run(t, cases, 60) {
		p := plans[i]
		if got.Died || got.Mount != 0 || len(got.List) != len(p.Files)+len(p.Dirs) {
			t.Errorf("image %d (%v): the driver died (%v), refused it with %d, or lists %d of %d entries", i, p.Layout, got.Died, got.Mount, len(got.List), len(p.Files)+len(p.Dirs))
			continue
		}
		for _, f := range p.Files {
			is, sum := got.List["/"+f.Path], f.Node.Sum
			if is.Err != "" || is.Size != f.Size || is.Sum != hex.EncodeToString(sum[:]) || f.Size > 0 && is.Offset != f.Offset {
				t.Errorf("image %d (%v): %q at %d: the driver says %+v", i, p.Layout, f.Path, f.Offset, is)
			}
		}
	}
}

// TestTrees lays out every tree that all packages share, and has MicroPython read
// it.
func TestTrees(t *testing.T) {
	t.Parallel()
	var cases []vfsrom.Case
	var plans []*romfs.Plan
	for _, tree := range trees.Table() {
		for _, o := range optionsList {
			c, p := checkTree(t, tree, o)
			cases, plans = append(cases, c), append(plans, p)
		}
	}
	checkDriver(t, cases, plans)
}

// TestLargeTree is the one whose lengths have three and four bytes; the driver
// gets one image of it as a file.
func TestLargeTree(t *testing.T) {
	t.Parallel()
	var c vfsrom.Case
	var p *romfs.Plan
	for _, o := range optionsList {
		c, p = checkTree(t, trees.Large(), o)
	}
	image, err := hex.DecodeString(c.Image.(string))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(file, image, 0o666); err != nil {
		t.Fatal(err)
	}
	c.Image = map[string]string{"file": file}
	checkDriver(t, []vfsrom.Case{c}, []*romfs.Plan{p})
}

// TestDrawnTrees does so with trees that nobody thought of.
func TestDrawnTrees(t *testing.T) {
	t.Parallel()
	var cases []vfsrom.Case
	var plans []*romfs.Plan
	rapid.Check(t, func(t *rapid.T) {
		c, p := checkTree(t, trees.Draw(t), rapid.SampledFrom(optionsList).Draw(t, "options"))
		cases, plans = append(cases, c), append(plans, p)
	})
	checkDriver(t, cases, plans)
}

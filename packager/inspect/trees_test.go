package inspect_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rules_romfs/internal/trees"
	"rules_romfs/internal/vfsrom"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
	"rules_romfs/packager/content"
	"rules_romfs/packager/importer"
	"rules_romfs/packager/inspect"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

var ctx = context.Background()

// A making is how an image is made.
type making struct {
	board  string // empty: for none in particular
	layout string // compact, stable or openmv
	dedup  bool
}

func (m making) String() string {
	return fmt.Sprintf("for %s, layout %s, dedup %v", cmp.Or(m.board, "no board"), m.layout, m.dedup)
}

var layouts = []making{{layout: "compact"}, {layout: "compact", dedup: true}, {layout: "stable"}, {layout: "openmv"}}

// build builds a manifest or directory and returns the image's path.
func build(t trees.TB, source, out string, m making) string {
	t.Helper()
	compile := false
	o := pack.Options{Path: source, Board: m.board, Compile: &compile, NoCache: true, Getenv: func(string) string { return "" }, Reporter: report.Discard()}
	if m.board != "" {
		if p, err := board.Lookup(m.board); err == nil && p.Partitions[0].Size == 0 {
			o.PartitionSize = 4 << 20
		}
	}
	project, err := pack.Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	images, err := project.Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := project.Save(ctx, images, []pack.Targets{{Image: out}}); err != nil {
		t.Fatal(err)
	}
	return out
}

// manifestOf imports a folder, and sets the layout.
func manifestOf(t trees.TB, folder string, m making) string {
	t.Helper()
	out := folder + ".yaml"
	res, err := importer.Import(ctx, importer.Options{Source: folder, Out: out, Board: m.board})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(res.Text), "\ndedup: false\n", fmt.Sprintf("\ndedup: %v\nlayout: %s\n", m.dedup, m.layout), 1)
	if !strings.Contains(text, "\nlayout: "+m.layout+"\n") {
		t.Fatal("the imported manifest has no place for a layout:\n" + text)
	}
	if err := os.WriteFile(out, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return out
}

func open(t trees.TB, path string) *inspect.Image {
	t.Helper()
	im, err := inspect.Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	return im
}

func read(t trees.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// hold checks what holds of every image that is built of a tree: it is accepted
// by verify, gives back what went in, is left as it is by align, and is built
// again of what was extracted, by way of an import or not. It returns the image.
func hold(t trees.TB, tree trees.Tree, m making, dir string) []byte {
	t.Helper()
	folder := filepath.Join(dir, "folder")
	tree.Write(t, folder)
	source := func(folder string) string { return manifestOf(t, folder, m) }
	if len(tree.Entries) == 0 { // which no manifest can say
		source = func(folder string) string { return folder }
	}
	path := build(t, source(folder), filepath.Join(dir, "a.romfs"), m)
	what := fmt.Sprintf("tree %s %v", tree.Name, m)

	im := open(t, path)
	defer im.Close()
	tree.CheckImage(t, im.Image)
	for _, target := range []inspect.Target{{}, {Board: m.board}} {
		v, err := inspect.Verify(ctx, im.Source, target)
		if err != nil {
			t.Fatal(err)
		}
		withoutNoise(v)
		if _, _, _, ok := v.Verdict(true); !ok || !v.Sidecar || v.Board != m.board {
			t.Errorf("%s: verify (%+v): %+v", what, target, v)
		}
	}
	holdListing(t, tree, im, what)

	extracted := filepath.Join(dir, "extracted", "folder") // the name of an image is that of its directory
	x, err := inspect.Extract(ctx, im, inspect.ExtractOptions{Dir: extracted, Reporter: report.Discard()})
	if err != nil {
		t.Fatal(err)
	}
	tree.CheckFolder(t, extracted)
	if x.Files != len(tree.Files()) || x.Dirs != len(tree.Dirs()) {
		t.Errorf("%s: extracted %+v", what, x)
	}
	image := read(t, path)
	again := build(t, source(extracted), filepath.Join(dir, "b.romfs"), m)
	if !bytes.Equal(image, read(t, again)) {
		t.Errorf("%s: built of what was extracted, it is another image", what)
	}
	if plain := (making{board: m.board, layout: "compact"}); m == plain {
		direct := build(t, extracted, filepath.Join(dir, "c.romfs"), m)
		if !bytes.Equal(image, read(t, direct)) {
			t.Errorf("%s: built of the directory itself, it is another image", what)
		}
	}
	other := open(t, again)
	defer other.Close()
	if d, err := inspect.Diff(ctx, im, other, inspect.DiffOptions{}); err != nil || !d.Same || d.Blocks.Send != 0 {
		t.Errorf("%s: diff: %+v, %v", what, d, err)
	}
	if m.board != "" {
		for _, lone := range []bool{false, true} { // with its sidecar, and without
			if lone {
				if err := os.Remove(artifact.Path(path)); err != nil {
					t.Fatal(err)
				}
			}
			if al, err := inspect.Align(im, inspect.Target{Board: m.board}); err != nil || al.Changed {
				t.Errorf("%s: align: %+v, %v", what, al, err)
			}
		}
	}
	return image
}

// holdListing checks that a listing adds up.
func holdListing(t trees.TB, tree trees.Tree, im *inspect.Image, what string) {
	t.Helper()
	l, err := inspect.List(ctx, im, inspect.ListOptions{Digests: true, Details: true})
	if err != nil {
		t.Fatal(err)
	}
	files, dirs := 0, 0
	var content, saved int64
	for _, e := range l.Entries {
		d := e.Details
		if e.Dir {
			dirs++
			continue
		}
		files++
		content += d.Stored
		if e.Shared {
			saved += e.Size
		}
		if d.Record+d.RecordSize > l.Size || d.Asked == 0 || e.Size > 0 && (e.Offset%max(d.Asked, 1) != 0 || e.Offset%max(d.Needs, 1) != 0) {
			t.Errorf("%s: %+v %+v", what, e, d)
		}
	}
	if files != len(tree.Files()) || dirs != len(tree.Dirs()) || l.Content != content || l.Saved != saved || l.Overhead != l.Size-content || l.Overhead < 4 || len(l.Damage) > 0 {
		t.Errorf("%s: the listing does not add up: %+v", what, l)
	}
	if s, err := im.Sidecar(); err != nil || s == nil || l.Padding != s.Totals.Padding {
		t.Errorf("%s: %d bytes of padding are listed, the sidecar has %+v (%v)", what, l.Padding, s, err)
	}
	for _, s := range l.Spans {
		if s.Kind == romfs.SpanContent.String() {
			content -= s.Size
			if d := l.Entries[s.Entry]; d.Offset != s.Offset || d.Size != s.Size {
				t.Errorf("%s: %+v is not where %+v is", what, s, d)
			}
		}
	}
	if content != 0 {
		t.Errorf("%s: %d bytes of content are in no span", what, content)
	}
	if l.Usage != nil && (l.Usage.Used != l.Size || l.Usage.Free != l.Usage.Size-l.Size || l.Usage.Free < 0) {
		t.Errorf("%s: %+v", what, l.Usage)
	}
}

// TestTreesForBoards: every board and every layout, with the trees that hold most
// of what boards differ in.
func TestTreesForBoards(t *testing.T) {
	t.Parallel()
	var few []trees.Tree
	for _, tree := range trees.Table() {
		switch tree.Name {
		case "models", "dots", "sizes", "equal":
			few = append(few, tree)
		}
	}
	for _, p := range board.Builtin() {
		if p.NoROM != "" {
			continue
		}
		t.Run(p.ID, func(t *testing.T) {
			t.Parallel()
			for i, tree := range few {
				m := layouts[i%len(layouts)]
				m.board = p.ID
				hold(t, tree, m, t.TempDir())
			}
		})
	}
}

// TestTrees: every tree in every layout, for a board that aligns, one with words
// of ECC, and for none; MicroPython reads what comes out.
func TestTrees(t *testing.T) {
	t.Parallel()
	var images [][]byte
	var read []trees.Tree
	for id, some := range map[string][]making{"": layouts[:1], "openmv-n6": layouts, "openmv-h7": {layouts[0], layouts[2]}} {
		for _, m := range some {
			m.board = id
			for _, tree := range trees.Table() {
				t.Run(tree.Name+" "+m.String(), func(t *testing.T) {
					images, read = append(images, hold(t, tree, m, t.TempDir())), append(read, tree)
				})
			}
		}
	}
	drive(t, images, read)
}

// TestDrawnTrees: trees that nobody thought of, for any board, in any layout.
func TestDrawnTrees(t *testing.T) {
	t.Parallel()
	var ids []string
	for _, p := range board.Builtin() {
		if p.NoROM == "" {
			ids = append(ids, p.ID)
		}
	}
	top, n := t.TempDir(), 0
	var images [][]byte
	var read []trees.Tree
	rapid.Check(t, func(t *rapid.T) {
		tree := trees.Draw(t)
		m := rapid.SampledFrom(layouts).Draw(t, "layout")
		m.board = rapid.SampledFrom(append([]string{""}, ids...)).Draw(t, "board")
		n++
		images, read = append(images, hold(t, tree, m, filepath.Join(top, fmt.Sprint(n)))), append(read, tree)
	})
	drive(t, images, read)
}

// drive has MicroPython's driver read images of trees.
func drive(t *testing.T, images [][]byte, of []trees.Tree) {
	t.Helper()
	var cases []vfsrom.Case
	for _, b := range images {
		cases = append(cases, vfsrom.CaseOf(b))
	}
	for i, got := range vfsrom.Run(t, cases, 60) {
		files := of[i].Files()
		if got.Died || got.Mount != 0 || len(got.List) != len(files)+len(of[i].Dirs()) {
			t.Errorf("tree %s: the driver died (%v), refused it with %d, or lists %d entries", of[i].Name, got.Died, got.Mount, len(got.List))
			continue
		}
		for name, content := range files {
			if is := got.List["/"+name]; is.Err != "" || is.Dir || is.Sum != vfsrom.Sum(content) {
				t.Errorf("tree %s: %q: the driver says %+v", of[i].Name, name, is)
			}
		}
	}
}

// withoutNoise drops what is found about models: in the trees they are noise, and
// that is another test's business.
func withoutNoise(v *inspect.Verification) {
	v.Findings = slices.DeleteFunc(v.Findings, func(f inspect.Finding) bool { return slices.Contains(content.Codes(), f.Code) })
}

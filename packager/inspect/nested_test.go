package inspect_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_romfs/internal/trees"
	"rules_romfs/packager/inspect"
	"rules_romfs/packager/report"
)

// TestNestedTrees: an image in an image, in every layout of both, is accepted by
// verify, listed with its own files, and comes out of extract as an image of its
// own.
func TestNestedTrees(t *testing.T) {
	t.Parallel()
	var tree trees.Tree
	for _, each := range trees.Table() {
		if each.Name == "models" {
			tree = each
		}
	}
	for _, id := range []string{"openmv-n6", "openmv-h7"} {
		for i, inner := range layouts {
			for _, outer := range layouts[i/2:] {
				inner.board, outer.board = id, id
				t.Run(fmt.Sprint(outer, " around ", inner.layout), func(t *testing.T) {
					t.Parallel()
					dir := t.TempDir()
					tree.Write(t, filepath.Join(dir, "inner"))
					manifestOf(t, filepath.Join(dir, "inner"), inner)
					if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte("beside it"), 0o666); err != nil {
						t.Fatal(err)
					}
					text := fmt.Sprintf("version: 1\nname: outer\nboard: %s\nlayout: %s\ndedup: %v\nfiles: [{src: a.txt, dest: /}, {image: inner.yaml, dest: in/inner.romfs}]\n", id, outer.layout, outer.dedup && outer.layout == "compact")
					if err := os.WriteFile(filepath.Join(dir, "outer.yaml"), []byte(text), 0o666); err != nil {
						t.Fatal(err)
					}
					im := open(t, build(t, filepath.Join(dir, "outer.yaml"), filepath.Join(dir, "outer.romfs"), outer))
					defer im.Close()
					v, err := inspect.Verify(ctx, im.Source, inspect.Target{})
					if err != nil {
						t.Fatal(err)
					}
					withoutNoise(v)
					if _, _, _, ok := v.Verdict(true); !ok {
						t.Errorf("verify: %+v", v.Findings)
					}
					checkNestedListing(t, im, tree)
					out := filepath.Join(dir, "out")
					if _, err := inspect.Extract(ctx, im, inspect.ExtractOptions{Dir: out, Reporter: report.Discard()}); err != nil {
						t.Fatal(err)
					}
					nested := open(t, filepath.Join(out, "in", "inner.romfs"))
					defer nested.Close()
					tree.CheckImage(t, nested.Image)
				})
			}
		}
	}
}

// checkNestedListing holds the listing of the nested image against its tree.
func checkNestedListing(t *testing.T, im *inspect.Image, tree trees.Tree) {
	t.Helper()
	l, err := inspect.List(ctx, im, inspect.ListOptions{Details: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range l.Entries {
		if e.Path != "in/inner.romfs" {
			continue
		}
		nested := e.Details.Image
		if e.Details.Kind != "image" || nested == nil || nested.Name != e.Path || nested.Size != e.Size {
			t.Fatalf("%+v: %+v", e.Details, nested)
		}
		files := tree.Files()
		for _, f := range nested.Entries {
			if f.Dir {
				continue
			}
			delete(files, f.Path)
			absolute := l.Base + uint64(e.Offset+f.Offset)
			if needs := f.Details.Needs; f.Address == nil || *f.Address != absolute || needs > 1 && absolute%uint64(needs) != 0 || needs == 0 && strings.HasSuffix(f.Path, ".tflite") {
				t.Errorf("%+v %+v is not at %#x", f, f.Details, absolute)
			}
		}
		if len(files) > 0 {
			t.Errorf("not listed: %v", files)
		}
		return
	}
	t.Error("the nested image is not listed")
}

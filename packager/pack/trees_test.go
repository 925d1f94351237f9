package pack

import (
	"bytes"
	"path/filepath"
	"testing"

	"rules_romfs/internal/trees"
	"rules_romfs/packager/romfs"
)

// TestTrees builds every tree that all packages share from a directory, with one
// process and with several: the same image, whose sidecar says where everything
// lies.
func TestTrees(t *testing.T) {
	t.Parallel()
	for _, tree := range append(trees.Table(), trees.Large()) {
		t.Run(tree.Name, func(t *testing.T) {
			t.Parallel()
			folder := filepath.Join(t.TempDir(), "folder")
			tree.Write(t, folder)
			o := Options{Path: folder, Board: "openmv-n6", Compile: new(bool), NoCache: true, Getenv: options(t, "").Getenv, Reporter: options(t, "").Reporter}
			_, image, sidecar := build(t, o)
			o.Jobs = 1
			if _, again, _ := build(t, o); !bytes.Equal(image, again) {
				t.Error("another image with one process")
			}
			m, err := romfs.Parse(image)
			if err != nil {
				t.Fatal(err)
			}
			tree.CheckImage(t, m)
			if len(sidecar.Files) != len(tree.Files()) || sidecar.Totals.Dirs != len(tree.Dirs()) {
				t.Errorf("the sidecar counts %d files and %d directories", len(sidecar.Files), sidecar.Totals.Dirs)
			}
			for _, f := range sidecar.Files {
				e, err := m.Lookup(f.Path)
				if err != nil || e.Offset != f.Offset || e.Size != f.Size || f.Size > 0 && f.Offset%f.Align != 0 {
					t.Errorf("%+v is at %+v, %v", f, e, err)
				}
			}
		})
	}
}

package pack

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rules_romfs/packager/report"
)

// TestInputs: all that decides an image is listed, also where the build fails, and
// what it makes or leaves out is not.
func TestInputs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"app/romfs.yaml": "version: 1\nname: app\nboard: ../boards/own.yaml\nroot: ..\nexclude: [\"**/*_test.py\"]\nfiles:\n" +
			"  - {src: \"src/**/*.py\", dest: /}\n  - {src: data/in.csv, dest: out.bin, transform: {run: [tools/pack, \"{in}\", \"{out}\"], inputs: [data/key.txt]}}\n" +
			"  - {image: ../inner/romfs.yaml, dest: inner.romfs}\n",
		"app/tools/pack":   "#!/bin/sh\n",
		"boards/own.yaml":  "version: 1\nid: own\nname: Own\nmpy: {arch: none}\npartitions:\n  - {name: romfs0, index: 0, size: 1MiB, erase: 4KiB, write: 4, segment: memoryview, medium: nor}\n",
		"inner/romfs.yaml": "version: 1\nname: inner\nfiles:\n  - {src: b.txt, dest: /}\n",
		"inner/b.txt":      "b", "inner/app.romfs": "not packed",
		"src/a.py": "", "src/sub/c.py": "", "src/sub/c_test.py": "", "src/note.txt": "", "other/d.py": "",
		"data/in.csv": "1", "data/key.txt": "k",
		"broken.yaml": "version: 1\nname: b\nboard: gone.yaml\nfiles: 7\n",
		"empty.yaml":  "version: 1\nname: b\nfiles:\n  - {src: \"later/*.py\", dest: /}\n  - {image: later.yaml, dest: x.romfs}\n",
	} {
		write(t, filepath.Join(dir, name), content)
	}
	if err := os.Chmod(filepath.Join(dir, "app", "tools", "pack"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, board string
		want        []string
		fails       bool
	}{
		{path: "app/romfs.yaml", want: []string{".", "app/romfs.yaml", "app/tools/pack", "boards/own.yaml", "data", "data/in.csv", "data/key.txt", "inner", "inner/b.txt", "inner/romfs.yaml", "src", "src/a.py", "src/sub", "src/sub/c.py"}},
		{path: "src", board: "boards/own.yaml", want: []string{"boards/own.yaml", "src", "src/a.py", "src/note.txt", "src/sub", "src/sub/c.py", "src/sub/c_test.py"}},
		{path: "broken.yaml", want: []string{"broken.yaml", "gone.yaml"}, fails: true},
		{path: "empty.yaml", want: []string{".", "empty.yaml", "later.yaml"}, fails: true},
		{path: "none.yaml", want: []string{"none.yaml"}, fails: true},
	} {
		o := Options{Path: filepath.Join(dir, c.path), Getenv: os.Getenv, Reporter: report.Discard()}
		if c.board != "" {
			o.Board = filepath.Join(dir, c.board)
		}
		paths, err := Inputs(context.Background(), o)
		var got []string
		for _, path := range paths {
			name, relErr := filepath.Rel(dir, path)
			if relErr != nil {
				t.Fatal(relErr)
			}
			got = append(got, filepath.ToSlash(name))
		}
		slices.Sort(got)
		if d := cmp.Diff(c.want, got); d != "" || (err != nil) != c.fails {
			t.Errorf("%s: %v (-want +got)\n%s", c.path, err, d)
		}
	}
}

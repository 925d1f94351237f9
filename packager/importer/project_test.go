package importer_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rules_romfs/packager/importer"
)

// project makes the files of a project: "name" or "name: content"; a name with
// " -> " is a link.
func project(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		name, text, _ := strings.Cut(f, ": ")
		if link, target, ok := strings.Cut(name, " -> "); ok {
			if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		put(t, dir, name, []byte(text))
	}
	return dir
}

// notesOf are the messages of notes with their codes.
func notesOf(res *importer.Result) []string {
	var out []string
	for _, n := range res.Notes {
		out = append(out, n.Code+": "+n.Message)
	}
	slices.Sort(out)
	return out
}

// TestProject: a first manifest packs the program and what it reads, and every
// other file is named with the reason.
func TestProject(t *testing.T) {
	for name, c := range map[string]struct {
		files        []string
		packed, left []string
	}{
		"flat": {
			files: []string{
				"main.py: import app\nopen('assets/logo.bmp')\n", "app/__init__.py: from . import self_test\n", "app/config.json", "app/deep/page.html", "app/README.md", "app/self_test.py", "app/net_test.py",
				"app/__pycache__/x.pyc", "assets/logo.bmp", "assets/other.bin", "models/net.tflite", "tests/test_app.py", "tests/data.json", "test_more.py",
				"setup.py", "README.md", "LICENSE", ".gitignore", ".git/HEAD", "ca.pem", "venv/pyvenv.cfg", "venv/lib/site.py", "shared -> models", "gone -> nowhere", "old.romfs", "old.romfs.json", "lib/ring.mpy", "lib/ring.py", "lib/only.mpy",
			},
			packed: []string{"app/__init__.mpy", "app/config.json", "app/deep/page.html", "app/self_test.mpy", "assets/logo.bmp", "lib/only.mpy", "lib/ring.mpy", "main.py"},
			left: []string{
				"aside: not packed, a virtual environment of Python: venv/", "aside: not packed, for people and tools, by its name: LICENSE, README.md, app/README.md, old.romfs, old.romfs.json",
				"aside: not packed, for the machine that builds: setup.py", "aside: not packed, hidden: .gitignore", "aside: not packed, in a directory of tests: tests/data.json",
				"aside: not packed, its .py is there too, and is compiled: lib/ring.mpy", "aside: not packed, on the junk list: .git/, app/__pycache__/",
				"left-out: not packed, a link that leads nowhere: gone", "left-out: not packed, a link to a directory, and patterns do not follow these: shared/",
				"left-out: not packed, a test, by its name, and no module that is packed imports it: app/net_test.py, test_more.py, tests/test_app.py",
				"left-out: not packed, data that no module names: assets/other.bin, models/ (1 file)", "left-out: not packed, on the list of secrets: ca.pem",
			},
		},
		"src and lib": {
			files:  []string{"src/app.py: import ring", "src/lut.bin", "src/web/index.html", "src/web/x", "src/test_app.py", "lib/ring.py", "lib/ring/table.bin", "tools/upload.py", "data/a.csv", "docs/x.md", "src/a[b].txt", "src/tests/t.py", "build.py"},
			packed: []string{"a[b].txt", "app.mpy", "lib/ring.mpy", "lib/ring/table.bin", "lut.bin", "web/index.html", "web/x"},
			left: []string{
				"aside: not packed, for people and tools, by its name: docs/ (1 file)",
				"left-out: not packed, a test, by its name, and no module that is packed imports it: src/test_app.py",
				"left-out: not packed, data that no module names: data/ (1 file)",
				"left-out: not packed, in a directory of tests, and no module that is packed imports it: src/tests/ (1 file)",
				"left-out: not packed, outside of src/ and lib/, where modules are imported from: build.py, tools/ (1 file)",
			},
		},
		"lib alone": {
			files:  []string{"lib/ring.py", "src/notes.txt"},
			packed: []string{"lib/ring.mpy"},
			left:   []string{"left-out: not packed, data that no module names: src/ (1 file)"},
		},
		"nothing": {files: []string{"README.md"}, left: []string{"aside: not packed, for people and tools, by its name: README.md"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := project(t, c.files...)
			o := importer.ProjectOptions{Dir: dir, Out: filepath.Join(dir, "romfs.yaml")}
			res, err := importer.NewProject(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(o.Out, res.Text, 0o644); err != nil {
				t.Fatal(err)
			}
			var packed []string
			for e := range resolved(t, o.Out).Files() {
				packed = append(packed, e.Dest)
			}
			slices.Sort(packed)
			if d := cmp.Diff(c.packed, packed); d != "" {
				t.Errorf("packed (-want +got):\n%s\n%s", d, res.Text)
			}
			left := notesOf(res)
			if d := cmp.Diff(c.left, left); d != "" {
				t.Errorf("left out (-want +got):\n%s\n%s", d, res.Text)
			}
		})
	}
}

var errEnough = errors.New("enough")

// canceled is a context that is done.
func canceled(t *testing.T) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errEnough)
	return ctx, cancel
}

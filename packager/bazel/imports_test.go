package bazel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/romfs"
)

// imageOf makes an image of files, a directory deep at most.
func imageOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	root := &romfs.Node{Dir: true}
	dirs := map[string]*romfs.Node{".": root}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		content := []byte(files[name])
		dir := dirs[path.Dir(name)]
		if dir == nil {
			dir = &romfs.Node{Name: path.Dir(name), Dir: true}
			root.Children = append(root.Children, dir)
			dirs[dir.Name] = dir
		}
		dir.Children = append(dir.Children, &romfs.Node{Name: path.Base(name), Size: int64(len(content)), Sum: sha256.Sum256(content),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }})
	}
	plan, err := romfs.NewPlan(root, romfs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := plan.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestImports imports in the interpreter that is built in, and in Debian's, which
// know the same.
func TestImports(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, content []byte) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("image.romfs", imageOf(t, map[string]string{
		"app.py":          "import pkg\nimport sys\nprint('runs with', sys.argv[1:])\n",
		"lib/dep.py":      "import asyncio\nX = 1\n",
		"pkg/__init__.py": "from . import sub\nfrom .sub import Y\n",
		"pkg/sub.py":      "Y = 2\n",
		"blink.py":        "from machine import Pin\n",
		"broken.py":       "raise ValueError('so it is')\n",
	}))
	write("stubs/machine.py", []byte("class Pin: pass\n"))
	files := &runfiles{list: map[string]string{"debian": peer.MicroPython(t), "stubs/machine.py": filepath.Join(dir, "stubs", "machine.py")}}
	for name, interpreter := range map[string]string{"built in": "", "Debian's": "debian"} {
		for modules, c := range map[string]struct {
			stubs []string
			want  string
			fails bool
		}{
			"app,dep":  {nil, "runs with ['-v']\napp from /rom/app.py\ndep from /rom/lib/dep.py", false},
			"pkg.sub":  {nil, "pkg.sub from /rom/pkg/sub.py", false},
			"blink":    {nil, "ImportError", true},
			"app,gone": {nil, "ImportError: no module named 'gone'", true},
			"broken":   {nil, "ValueError: so it is", true},
			"json":     {nil, "json was imported from the interpreter itself, not from /rom", true},
			"blink,":   {[]string{"stubs/machine.py"}, "blink from /rom/blink.py", false},
		} {
			t.Run(name+"/"+modules, func(t *testing.T) {
				t.Parallel()
				r := &Request{MicroPython: interpreter, files: files}
				r.Test = &Test{Imports: strings.Split(strings.Trim(modules, ","), ","), Stubs: c.stubs}
				out, err := r.imports(context.Background(), filepath.Join(dir, "image.romfs"), []string{"-v"})
				if (err != nil) != c.fails || !strings.Contains(out, c.want) {
					t.Errorf("%v\n%s", err, out)
				}
			})
		}
	}
}

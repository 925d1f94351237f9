package manifest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// writeTree makes files below a new directory. A name that ends in a slash is
// a directory; one with " -> " is a symbolic link.
func writeTree(t *testing.T, names ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range names {
		link, target, isLink := strings.Cut(name, " -> ")
		full := filepath.Join(root, filepath.FromSlash(link))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		switch {
		case isLink:
			err = os.Symlink(target, full)
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(full, 0o755)
		default:
			err = os.WriteFile(full, []byte(name), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// lines returns the plan's entries as "dest <- source", with options that
// are not the default.
func lines(p *Plan) []string {
	var out []string
	for _, e := range p.Entries {
		s := e.Dest + " <- " + e.Source
		if e.Kind == Dir {
			s = e.Dest + "/"
		}
		out = append(out, s)
	}
	return out
}

func TestResolveWeatherStation(t *testing.T) {
	root := writeTree(t, "src/main.py", "src/app/__init__.py", "src/app/net.py", "src/app/net_test.py", "src/app/__pycache__/x.py",
		"src/.hidden/x.py", "src/dev/tool.py", "models/person.tflite", "licences/")
	text := `version: 1
name: weather-station
root: .
exclude: ["**/*_test.py"]
align:
  - {match: "**/*.tflite", to: 32}
files:
  - src: src/**/*.py
    dest: /
    exclude: [src/dev/**]
    mpy: {optimize: 3}
  - src: models/person.tflite
    dest: models/person.tflite
    align: 64
    bulk: true
  - src: licences/*.txt
    dest: licences/
    optional: true
  - mkdir: data
`
	path := filepath.Join(root, "romfs.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	m, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	p, warns, err := m.Resolve(nil, ResolveOptions{})
	if err != nil || len(warns) > 0 {
		t.Fatal(err, warns)
	}
	want := []string{
		"app/__init__.mpy <- src/app/__init__.py",
		"app/net.mpy <- src/app/net.py",
		"main.py <- src/main.py",
		"models/person.tflite <- models/person.tflite",
		"data/",
	}
	if d := cmp.Diff(want, lines(p)); d != "" {
		t.Error(d)
	}
	if e := p.Entries[3]; e.Align != 64 || e.AlignFrom != "files[1].align" || e.Rule != "files[1]" || !*e.Bulk {
		t.Errorf("%+v", e)
	}
}

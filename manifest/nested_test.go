package manifest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeManifests makes files with these contents below a new directory.
func writeManifests(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		full := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestNested(t *testing.T) {
	root := writeManifests(t, map[string]string{
		"app/romfs.yaml":    head + "board: openmv-n6\nlayout: openmv\nlint: {allow: [openmv-directory]}\nfiles:\n  - image: ../common/romfs.yaml\n    dest: lib/common.romfs\n    bulk: true\n  - src: a.py\n",
		"app/a.py":          "",
		"common/romfs.yaml": head + "root: src\nmpy: {optimize: 2}\nfiles:\n  - src: \"*\"\n    align: 64\n  - image: ../inner.yaml\n    dest: inner.romfs\n",
		"common/src/b.py":   "",
		"inner.yaml":        head + "files:\n  - {src: common/src/b.py, dest: x.bin, align: 128}\n",
	})
	m, err := Load(filepath.Join(root, "app/romfs.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p, warns, err := Resolve(context.Background(), m, nil, ResolveOptions{BaseAlign: 4096})
	if err != nil || len(warns) > 0 {
		t.Fatal(err, warns)
	}
	e := p.Entries[0]
	if e.Kind != Image || e.Dest != "lib/common.romfs" || e.Source != "../common/romfs.yaml" || e.Path != "" || e.Align != 128 || e.AlignBy != ByNested || !*e.Bulk {
		t.Errorf("%+v", e)
	}
	n := e.Nested
	if n.Board != "openmv-n6" || n.Layout != "compact" || n.Entries[0].Dest != "b.mpy" || n.Entries[0].MPY.Optimize != 2 || n.Entries[0].Align != 64 ||
		n.Entries[0].Path != filepath.Join(root, "common/src/b.py") {
		t.Errorf("%+v", n)
	}
	if inner := n.Entries[1].Nested; inner.Entries[0].Align != 128 || n.Entries[1].Align != 128 {
		t.Errorf("%+v", inner)
	}
}

func TestNestedErrors(t *testing.T) {
	image := func(path string) string {
		return "  - {image: " + path + ", dest: " + filepath.Base(path) + ".romfs}\n"
	}
	deep := map[string]string{"romfs.yaml": head + "files:\n" + image("0.yaml")}
	for i := range 12 {
		deep[fmt.Sprintf("%d.yaml", i)] = head + "files:\n" + image(fmt.Sprintf("%d.yaml", i+1))
	}
	wide := map[string]string{"romfs.yaml": head + "files:\n" + image("0.yaml"), "8.yaml": head + "files: []\n"}
	for i := range 8 {
		next := fmt.Sprintf("%d.yaml", i+1)
		wide[fmt.Sprintf("%d.yaml", i)] = head + "files:\n  - {image: " + next + ", dest: a}\n  - {image: " + next + ", dest: b}\n  - {image: " + next + ", dest: c}\n"
	}
	for i := range 8 { // within the limit of depth
		if i >= 6 {
			delete(wide, fmt.Sprintf("%d.yaml", i+1))
			wide["6.yaml"] = head + "files: []\n"
		}
	}
	cases := []struct {
		name  string
		files map[string]string
	}{
		{"missing", map[string]string{"romfs.yaml": head + "files:\n" + image("../gone.yaml")}},
		{"a cycle of one", map[string]string{"romfs.yaml": head + "files:\n" + image("romfs.yaml")}},
		{"a cycle of three", map[string]string{
			"romfs.yaml": head + "files:\n" + image("a/a.yaml"),
			"a/a.yaml":   head + "files:\n" + image("../b.yaml"),
			"b.yaml":     head + "files:\n" + image("./a/../romfs.yaml"),
		}},
		{"another board", map[string]string{
			"romfs.yaml": head + "board: openmv-n6\nfiles:\n" + image("a.yaml"),
			"a.yaml":     head + "board: openmv-ae3\nfiles: []\n",
		}},
		{"a board where the outer has none", map[string]string{
			"romfs.yaml": head + "files:\n" + image("a.yaml"),
			"a.yaml":     head + "board: boards/mine.yaml\nfiles: []\n",
		}},
		{"another board, two levels down", map[string]string{
			"romfs.yaml": head + "board: openmv-n6\nfiles:\n" + image("a.yaml"),
			"a.yaml":     head + "files:\n" + image("b.yaml"),
			"b.yaml":     head + "board: openmv-ae3\nfiles: []\n",
		}},
		{"too low an alignment", map[string]string{
			"romfs.yaml": head + "align: [{match: \"*.romfs\", to: 16}]\nfiles:\n" + image("a.yaml") + "  - {image: a.yaml, dest: b, align: 8}\n",
			"a.yaml":     head + "files:\n  - {src: a.yaml, align: 64}\n",
		}},
		{"errors of all manifests", map[string]string{
			"romfs.yaml": head + "files:\n" + image("a.yaml") + image("b.yaml") + "  - {image: a.yaml, dest: again}\n  - src: gone\n",
			"a.yaml":     head + "fils: []\n",
			"b.yaml":     head + "files:\n  - src: gone\n  - src: gone.too\n",
		}},
		{"several images", map[string]string{
			"romfs.yaml": head + "files:\n" + image("a.yaml"),
			"a.yaml":     head + "images:\n  - {partition: romfs0, files: []}\n  - {partition: 1, files: []}\n",
		}},
		{"too deep", deep},
		{"too many", wide},
	}
	var b strings.Builder
	for _, c := range cases {
		root := writeManifests(t, c.files)
		m, err := Load(filepath.Join(root, "romfs.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = Resolve(context.Background(), m, nil, ResolveOptions{})
		if err == nil {
			t.Fatalf("%s: no error", c.name)
		}
		b.WriteString("== " + c.name + "\n" + strings.ReplaceAll(err.Error(), root+string(filepath.Separator), "") + "\n")
	}
	compareGolden(t, "testdata/nested.golden", b.String())
}

// A caller that has looked the manifest's board up says so in Board; that is
// no excuse for another one inside.
func TestNestedBoardKnown(t *testing.T) {
	root := writeManifests(t, map[string]string{
		"romfs.yaml": head + "board: openmv-n6\nfiles:\n  - {image: a.yaml, dest: a.romfs}\n",
		"a.yaml":     head + "board: openmv-ae3\nfiles: []\n",
	})
	m, err := Load(filepath.Join(root, "romfs.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, board := range []string{"", "openmv-n6", "openmv-ae3"} {
		_, _, err = Resolve(context.Background(), m, nil, ResolveOptions{Board: board})
		var e *Error
		if !errors.As(err, &e) || e.Code != CodeBoard {
			t.Errorf("with the board %q: %v", board, err)
		}
	}
}

// --board is for the whole image, whatever the manifests inside say.
func TestNestedBoardOverride(t *testing.T) {
	root := writeManifests(t, map[string]string{
		"romfs.yaml": head + "files:\n  - {image: a.yaml, dest: a.romfs}\n",
		"a.yaml":     head + "board: openmv-ae3\nfiles: []\n",
	})
	m, err := Load(filepath.Join(root, "romfs.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := Resolve(context.Background(), m, nil, ResolveOptions{Board: "openmv-n6", Partition: "1"})
	if err != nil {
		t.Fatal(err)
	}
	if n := p.Entries[0].Nested; p.Board != "openmv-n6" || p.Partition != "1" || n.Board != "openmv-n6" || n.Partition != "" {
		t.Errorf("%+v", p)
	}
}

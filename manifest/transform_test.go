package manifest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTransformErrors(t *testing.T) {
	runTexts(t, "testdata/transform.golden", transformErrorCases())
}

func transformErrorCases() []textCase {
	rule := func(transform string) string { return "files:\n  - src: a.csv\n    transform: " + transform + "\n" }
	tree := []string{"a.csv", "b.csv", "tools/schema.json", "other/Schema.json", "x/A.csv", "link -> /etc/hostname"}
	c := func(name, yaml string) textCase { return textCase{name: name, yaml: yaml, tree: tree} }
	return []textCase{
		c("unknown preset", rule("vella")),
		c("unknown preset in a mapping", rule("{preset: harr}")),
		c("another type", rule("[vela]")),
		c("empty", rule("{}")),
		c("preset and run", rule(`{preset: vela, run: [a, "{in}"]}`)),
		c("args of run", rule(`{run: [a, "{in}"], args: [b]}`)),
		c("empty lists", rule("{preset: vela, args: [], inputs: []}")),
		c("empty run", rule("{run: []}")),
		c("empty executable", rule(`{run: ["", "{in}"]}`)),
		c("absolute executable", rule(`{run: [/usr/bin/tr, "{in}"]}`)),
		c("reads nothing", rule("{run: [tools/x, --fast]}")),
		c("placeholders", rule(`{run: [x, "{in}", "{inn}", "{out", "}", "{inputs[0]}", "{{in}}", "{}"]}`)),
		c("placeholders of a preset", rule(`{preset: vela, args: ["{out}", "{inputs[1]}"], inputs: [tools/schema.json]}`)),
		c("placeholders of an output", rule(`{run: [x, "{in}"], output: "{in}.bin"}`)),
		c("output elsewhere", rule(`{run: [x, "{in}"], output: ../a.bin}`)),
		c("output in a folder", rule(`{run: [x, "{in}"], output: "a\\{stem}"}`)),
		c("output without a name", rule(`{run: [x, "{in}"], output: ".."}`)),
		c("output with a NUL", rule(`{run: [x, "{in}"], output: "a\0"}`)),
		c("inputs", rule(`{run: [x, "{in}"], inputs: [/etc/passwd, ../x, .., "", 7]}`)),
		c("inputs that are not there", rule(`{run: [x, "{in}"], inputs: [tools/schemas.json, tools, link]}`)),
		c("an input for many", "files:\n  - {src: '*.csv', transform: {run: [x, \"{in}\"], inputs: [gone]}}\n"),
		c("inputs of one name", rule(`{run: [x, "{in}"], inputs: [tools/schema.json, other/Schema.json]}`)),
		c("input of the source's name", rule(`{run: [x, "{in}"], inputs: [x/A.csv]}`)),
		c("inputs of haar", rule("{preset: haar, inputs: [tools/schema.json]}")),
		c("compiled", rule("vela\n    mpy: {optimize: 3}")),
		c("of a directory and an image", "files:\n  - mkdir: a\n    transform: vela\n  - image: b.yaml\n    dest: b\n    transform: vela\n"),
		c("at the top", "transform: vela\nfiles: []\n"),
		c("one output of two sources", "files:\n  - src: '*.csv'\n    transform: {run: [x, \"{in}\"], output: data.bin}\n"),
		c("one output of two rules", "files:\n  - {src: a.csv, dest: data/, transform: {run: [x, \"{in}\"], output: a.bin}}\n  - {src: b.csv, dest: data/a.bin}\n"),
		c("the output is a file that a source lies below", "files:\n  - {src: a.csv, transform: {run: [x, \"{in}\"], output: x}}\n  - {src: x/A.csv, dest: x/}\n"),
		c("pointless twice", "files:\n  - {src: a.csv, transform: vela}\n  - src: a.csv\n"),
	}
}

// plan resolves a manifest without errors and warnings.
func planOf(t *testing.T, root, yaml string) *Plan {
	t.Helper()
	path := filepath.Join(root, "romfs.yaml")
	if err := os.WriteFile(path, []byte(head+yaml), 0o644); err != nil {
		t.Fatal(err)
	}
	m, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	p, warns, err := Resolve(context.Background(), m, nil, ResolveOptions{})
	if err != nil || len(warns) > 0 {
		t.Fatal(err, warns)
	}
	return p
}

// TestTransformDestinations: what is packed is called as the output, where dest
// does not name it, and everything that goes by destinations goes by that.
func TestTransformDestinations(t *testing.T) {
	root := writeTree(t, "cascades/eye.xml", "cascades/a.b.xml", "cascades/.xml", "models/m.tflite", "data/a.csv", "old/a.csv", "src/table.py", "src/gen.tmpl")
	p := planOf(t, root, `align:
  - {match: "**/*.cascade", to: 8}
  - {match: "**/*.bin", to: 64}
files:
  - {src: [cascades/.xml, cascades/*.xml], dest: /c/, transform: haar}
  - {src: models/*, dest: models/, transform: {preset: vela, args: [--optimise, Size]}}
  - {src: data/a.csv, dest: data/table.bin, transform: {run: [tools/pack, "{in}", "{out}"]}}
  - {src: old/a.csv, dest: data/, transform: {run: [tools/pack, "{in}"], output: "{stem}-{name}.bin"}}
  - {src: src/table.py, transform: {run: [tools/pack, "{in}"]}}
  - {src: src/gen.tmpl, transform: {run: [tools/gen, "{in}"], output: "{stem}.py"}}
`)
	want := []string{
		"c/.xml.cascade <- cascades/.xml", "c/a.b.cascade <- cascades/a.b.xml", "c/eye.cascade <- cascades/eye.xml",
		"models/m.tflite <- models/m.tflite", "data/table.bin <- data/a.csv", "data/a-a.csv.bin <- old/a.csv", "table.py <- src/table.py", "gen.py <- src/gen.tmpl",
	}
	if diff := cmp.Diff(want, lines(p)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i, align := range []int64{8, 8, 8, 1, 64, 64, 1, 1} { // in an image a dot at the front is nothing special
		e := p.Entries[i]
		if e.Align != align || e.MPY != nil || e.Transform == nil {
			t.Errorf("%s: aligned to %d, MPY %v, transform %v", e.Dest, e.Align, e.MPY, e.Transform)
		}
	}
	if diff := cmp.Diff(&TransformPlan{Preset: "vela", Args: []string{"--optimise", "Size"}, Output: "m.tflite", Line: 8, Column: 47}, p.Entries[3].Transform); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTransformInputs: they are found relative to root.
func TestTransformInputs(t *testing.T) {
	root := writeTree(t, "app/data/a.csv", "app/tools/schema.json", "app/link.json -> tools/schema.json")
	p := planOf(t, root, `root: app
files:
  - {src: data/*, transform: {run: [x, "{in}", "{inputs[1]}"], inputs: [tools/./schema.json, link.json]}}
`)
	want := []TransformInput{
		{Name: "tools/schema.json", Path: filepath.Join(root, "app", "tools", "schema.json"), Root: filepath.Join(root, "app")},
		{Name: "link.json", Path: filepath.Join(root, "app", "link.json"), Root: filepath.Join(root, "app")},
	}
	if diff := cmp.Diff(want, p.Entries[0].Transform.Inputs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTransformFirstRule: the first rule that places a source wins, whether it
// converts it or not, and although the names in the image differ.
func TestTransformFirstRule(t *testing.T) {
	root := writeTree(t, "c/eye.xml", "c/nose.xml", "d/eye.xml")
	p := planOf(t, root, `lint: {allow: [no-effect]}
files:
  - {src: c/eye.xml, dest: c/, transform: haar}
  - {src: c/nose.xml, dest: c/}
  - {src: c/*.xml, dest: c/, transform: {preset: haar, args: [--stages, "1"]}}
  - {src: c/*.xml, dest: c/}
  - {src: d/eye.xml, dest: c/}
  - {src: c/eye.xml, dest: e/}
  - {src: d/eye.xml, dest: f/eye.xml}
  - {src: c/eye.xml, dest: f/, transform: haar}
`)
	want := []string{"c/eye.cascade <- c/eye.xml", "c/nose.xml <- c/nose.xml", "c/eye.xml <- d/eye.xml", "e/eye.xml <- c/eye.xml",
		"f/eye.xml <- d/eye.xml", "f/eye.cascade <- c/eye.xml"}
	if diff := cmp.Diff(want, lines(p)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if p.Entries[0].Transform.Args != nil || p.Entries[1].Transform != nil {
		t.Error("a later rule's transform counts")
	}
}

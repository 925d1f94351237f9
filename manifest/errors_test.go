package manifest

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rules_romfs/internal/strictyaml"
)

const head = "version: 1\nname: app\n" // two lines

// A textCase is a manifest, the tree it is resolved against, and options.
type textCase struct {
	name string
	yaml string // after head, unless it begins with "version"
	tree []string
	o    ResolveOptions
}

// run returns the errors, or else the warnings, one a line.
func (c textCase) run(t *testing.T) string {
	t.Helper()
	root := writeTree(t, c.tree...)
	text := c.yaml
	if !strings.HasPrefix(text, "version") {
		text = head + text
	}
	path := filepath.Join(root, "romfs.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for i, out := range c.o.Outputs {
		c.o.Outputs[i] = filepath.Join(root, out)
	}
	m, err := Load(path)
	var warns []Warning
	if err == nil {
		var errs []error
		for _, im := range m.Images() {
			_, w, err := Resolve(context.Background(), im, nil, c.o)
			warns, errs = append(warns, w...), append(errs, err)
		}
		err = JoinErrors(errs)
	}
	var lines []string
	if err != nil {
		var errs Errors
		if !errors.As(err, &errs) {
			t.Fatalf("%T is no Errors", err)
		}
		for _, e := range errs {
			if e.Code == "" {
				t.Errorf("no code: %v", e)
			}
		}
		lines = strings.Split(err.Error(), "\n")
	}
	for _, w := range warns {
		lines = append(lines, w.String())
	}
	return strings.ReplaceAll(strings.Join(lines, "\n"), root+string(filepath.Separator), "")
}

var update = flag.Bool("update", false, "write the golden files of testdata and the JSON Schema anew")

// runTexts compares what users read in each case with a golden file.
func runTexts(t *testing.T, golden string, cases []textCase) {
	t.Helper()
	var b strings.Builder
	for _, c := range cases {
		b.WriteString("== " + c.name + "\n" + c.run(t) + "\n")
	}
	compareGolden(t, golden, b.String())
}

func compareGolden(t *testing.T, golden, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("%s (-want +got):\n%s", golden, d)
	}
}

func TestManifestErrors(t *testing.T) {
	runTexts(t, "testdata/errors.golden", manifestErrorCases())
}

func manifestErrorCases() []textCase {
	return []textCase{
		{name: "empty", yaml: "version: 1\n"},
		{name: "other version", yaml: "version: 2\nnew: key\n"},
		{name: "version as text", yaml: "version: \"1\"\nname: app\nfiles: []\n"},
		{name: "bad name", yaml: "version: 1\nname: a/b\nfiles: []\n"},
		{name: "misspelt", yaml: "boad: openmv-n6\nfiles: []\n"},
		{name: "rules of another type", yaml: "files: [a, [b], ~, 3]\n"},
		{name: "backslashes", yaml: "root: ..\\src\nboard: boards\\mine.yaml\nfiles:\n  - {src: lib\\a.py}\n  - {src: a.py, dest: lib\\a.py}\n  - {image: ..\\common.yaml, dest: c.romfs}\n  - mkdir: a\\b\n"},
		{name: "merge key", yaml: "files: [{<<: {src: a}}]\n"},
		{name: "reserved", yaml: "transform: y\nfiles:\n  - {src: a.bin, transform: z}\n"},
		{name: "misspelt in a rule", yaml: "files:\n  - src: a\n    dst: b\n"},
		{name: "layout", yaml: "layout: stabel\nfiles: []\n"},
		{name: "dedup in layout openmv", yaml: "dedup: true\nlayout: openmv\nfiles: []\n"},
		{name: "dedup in layout openmv, of an image", yaml: "dedup: true\nimages:\n  - {partition: romfs0, files: []}\n  - {partition: romfs1, layout: openmv, files: []}\n"},
		{name: "dedup", yaml: "dedup: maybe\nfiles: []\n"},
		{name: "absolute root", yaml: "root: /src\nfiles: []\n"},
		{name: "missing root", yaml: "root: nowhere\nfiles: []\n"},
		{name: "mpy version without quotes", yaml: "mpy: {version: 1.30}\nfiles: []\n"},
		{name: "mpy version in a rule", yaml: "files:\n  - src: a.py\n    mpy: {version: \"1.29\"}\n", tree: []string{"a.py"}},
		{name: "mpy values", yaml: "mpy: {optimize: 4, emit: assembler, arch: armv7, arch_flags: [zbb], small_int_bits: 64, keep_source: main.py}\nfiles: []\n"},
		{name: "native without arch", yaml: "mpy: {emit: native}\nfiles: []\n"},
		{name: "native without arch in a rule", yaml: "mpy: {arch: board}\nfiles:\n  - src: a.py\n    mpy: {emit: viper}\n  - src: b.py\n    mpy: {emit: viper, arch: none}\n"},
		{name: "flags of another arch", yaml: "mpy: {arch: armv7m, arch_flags: [zba]}\nfiles: []\n"},
		{name: "mpy as text", yaml: "files:\n  - src: a.py\n    mpy: off\n"},
		{name: "alignments", yaml: "align:\n  - {match: \"*.a\", to: 48}\n  - {match: \"*.b\", to: 0}\n  - {match: \"*.c\", to: 33554432}\n  - {match: \"*.d\", to: 1KiB}\n  - {to: 4}\nfiles: []\n"},
		{name: "budget", yaml: "budget: {max: 1MB, warn: 0%}\nfiles: []\n"},
		{name: "budget in words", yaml: "budget: 1MiB\nfiles: []\n"},
		{name: "partition", yaml: "partition: -1\nfiles: []\n"},
		{name: "lint", yaml: "lint: {allow: [non-asci, everything]}\nfiles: []\n"},
		{name: "two kinds", yaml: "files:\n  - src: a\n    mkdir: b\n  - dest: c\n"},
		{name: "keys without use", yaml: "files:\n  - mkdir: data\n    dest: x\n    align: 4\n  - image: c.yaml\n    dest: c.romfs\n    strip: x\n    optional: true\n"},
		{name: "image without dest", yaml: "files:\n  - image: c.yaml\n  - image: c.yaml\n    dest: lib/\n  - image: /c.yaml\n    dest: c\n"},
		{name: "patterns", yaml: "files:\n  - src: ../x\n  - src: /etc/passwd\n  - src: C:/x\n  - src: src/\n  - src: a//b\n  - src: \"[a\"\n  - src: \"{a,b\"\n  - src: \"\"\n  - src: []\n  - src: .\n  - src: \"a\\0b\"\n  - src: src\\app.py\n  - src: \"!x\"\n  - src: 7\n"},
		{name: "too many alternatives", yaml: "files:\n  - src: \"" + strings.Repeat("{a,b}", 9) + "\"\n"},
		{name: "too many patterns", yaml: "files:\n  - src: [" + strings.Repeat("\"{0,1,2,3,4,5,6,7,8,9}{0,1,2,3,4,5,6,7,8,9}\",", 1001) + "]\n"},
		{name: "too many segments", yaml: "files:\n  - src: \"" + strings.Repeat("a/", 62) + "*\"\n"},
		{name: "exclude and keep_source patterns", yaml: "exclude: [../a, \"{\"]\nmpy: {keep_source: [\"[\"]}\nfiles:\n  - src: a\n    exclude: [/b]\n"},
		{name: "destinations", yaml: "files:\n  - {src: a, dest: b//c}\n  - {src: a, dest: ../b}\n  - {src: a, dest: ./b}\n  - {src: a, dest: \"b\\0\"}\n  - {src: \"*.py\", dest: lib}\n  - {src: [a, b], dest: lib}\n  - {mkdir: /}\n  - {src: a, dest: lib\\a}\n"},
		{name: "strip", yaml: "files:\n  - {src: \"src/app/*.py\", strip: src/app/x}\n  - {src: \"src/*.py\", strip: ../src}\n  - {src: src/a.py, dest: a.py, strip: src}\n  - {src: \"src/**\", strip: sr}\n", tree: []string{"src/app/a.py"}},
		{name: "no match", yaml: "files:\n  - src: src/*.txt\n  - src: scr/*.py\n  - src: src/mian.py\n  - src: src\n  - src: nowhere/at/all.py\n", tree: []string{"src/main.py"}},
		{name: "all left out", yaml: "exclude: [\"**/*_test.py\"]\nfiles:\n  - src: src/*_test.py\n  - src: src/__pycache__/*\n  - src: src/*.pyc\n", tree: []string{"src/a_test.py", "src/__pycache__/a", "src/b.pyc"}},
		{name: "named and excluded", yaml: "exclude: [src/a.py]\nfiles:\n  - src: src/a.py\n  - src: src/b.py\n    exclude: [src/*]\n", tree: []string{"src/a.py", "src/b.py"}},
		{name: "dot names", yaml: "files:\n  - src: \"*/*.py\"\n", tree: []string{".venv/a.py", "b/.c.py"}},
		{name: "conflict", yaml: "files:\n  - src: a/x.py\n  - src: b/x.py\n  - src: c/x.mpy\n  - mkdir: x.mpy\n", tree: []string{"a/x.py", "b/x.py", "c/x.mpy"}},
		{name: "conflict in one pattern", yaml: "files:\n  - src: [\"a/*\", \"b/*\"]\n", tree: []string{"a/x", "b/x"}},
		{name: "many conflicts", yaml: "files:\n  - src: a/*\n  - src: b/*\n", tree: []string{"a/1", "a/2", "a/3", "a/4", "a/5", "a/6", "a/7", "a/8", "a/9", "a/10", "b/1", "b/2", "b/3", "b/4", "b/5", "b/6", "b/7", "b/8", "b/9", "b/10"}},
		{name: "hundreds of files", yaml: "files:\n" + strings.Repeat("  - src: gone\n", 102)},
		{name: "hundreds of rules", yaml: "files:\n" + strings.Repeat("  - src: /a\n", 102)},
		{name: "below a file", yaml: "files:\n  - {src: lib/a.py, dest: x/y.py}\n  - {src: data, dest: x}\n", tree: []string{"lib/a.py", "data"}},
		{name: "source under a compiled name", yaml: "files:\n  - {src: a.py, dest: b.mpy}\n", tree: []string{"a.py"}},
		{name: "links", yaml: "files:\n  - src: \"*.txt\"\n  - src: up/x\n", tree: []string{"broken.txt -> gone", "loop.txt -> loop.txt", "out.txt -> /etc/hostname", "up -> ..", "fine.txt"}},
		{name: "link to a directory", yaml: "files:\n  - src: link/*.py\n  - src: lin*\n", tree: []string{"real/a.py", "link -> real"}},
		{name: "not UTF-8", yaml: "files:\n  - src: \"*.txt\"\n", tree: []string{"a\xff.txt"}},
		{name: "long destination", yaml: "files:\n  - {src: a, dest: " + strings.Repeat("x", 32768) + "}\n", tree: []string{"a"}},
		{name: "alignment above the partition", yaml: "align: [{match: b, to: 8192}]\nfiles:\n  - {src: a, align: 4096}\n  - src: [b, c]\n", tree: []string{"a", "b", "c"}, o: ResolveOptions{BaseAlign: 1024, BoardAlign: []BoardAlign{{Match: "c", To: 2048}}}},
		{name: "output", yaml: "files:\n  - src: \"**\"\n", tree: []string{"a"}, o: ResolveOptions{Outputs: []string{"app.romfs", "app.romfs.json", "../app.romfs", "romfs.yaml"}}},
		{name: "output with a folder", yaml: "output: dist/a.img\nfiles: []\n"},
		{name: "images beside files", yaml: "partition: romfs0\noutput: a.img\nfiles:\n  - src: a\nimages:\n  - {partition: romfs0, files: [{src: a}]}\n"},
		{name: "no images", yaml: "images: []\n"},
		{name: "images of another type", yaml: "images: {romfs0: [a]}\n"},
		{name: "keys of an image", yaml: "images:\n  - {name: x, board: rp2, root: src, version: 1, images: [], outptu: x}\n  - {partition: romfs1, layout: flat, output: a/b, files: [{src: [], dts: b}]}\n"},
		{name: "one partition twice", yaml: "images:\n  - {partition: romfs0, files: []}\n  - {partition: romfs1, files: []}\n  - {partition: romfs0, name: x, output: x.img, files: []}\n"},
		{name: "one partition by index and name", yaml: "images:\n  - {partition: romfs0, files: []}\n  - {partition: 0, files: []}\n"},
		{name: "one output twice", yaml: "images:\n  - {partition: romfs0, output: App.img, files: []}\n  - {partition: romfs1, output: app.IMG, files: []}\n  - {partition: romfs2, output: app.img.json, files: []}\n"},
		{name: "one name twice", yaml: "images:\n  - {partition: romfs0, name: app-romfs1, files: []}\n  - {partition: romfs1, files: []}\n"},
		{name: "partition of an image", yaml: "images:\n  - {partition: ROM/0, files: []}\n  - {partition: [], files: []}\n"},
		{name: "too many images", yaml: "images:\n" + strings.Repeat("  - {partition: a, files: []}\n", 257)},
		{name: "defects of the top level and of images", yaml: "root: /x\nmpy: {emit: native}\nalign: [{match: \"[\", to: 4}]\nexclude: [../a]\nimages:\n  - partition: romfs0\n    mpy: {keep_source: [\"{\"]}\n    align: [{match: \"]\", to: 4}, {match: \"[a\", to: 8}]\n    files: [{src: /a}]\n  - partition: romfs1\n    mpy: {arch: armv7m}\n    exclude: [/b]\n    files: [{src: a, mpy: {arch: none}}, {dest: x}]\n"},
		{name: "sources of images", yaml: "align: [{match: b, to: 4096}]\nexclude: [c]\nimages:\n  - {partition: romfs0, files: [{src: a}, {src: c}]}\n  - {partition: romfs1, exclude: [d], files: [{src: a}, {src: b}, {src: d}, {src: gone}]}\n", tree: []string{"a", "b", "c", "d"}, o: ResolveOptions{BaseAlign: 1024}},
		{name: "outputs of images", yaml: "images:\n  - {partition: romfs0, files: [{src: a}]}\n  - {partition: romfs1, files: [{src: \"*\"}]}\n", tree: []string{"a"}, o: ResolveOptions{Outputs: []string{"romfs0.img", "romfs0.img.json", "romfs1.img", "romfs1.img.json"}}},
		{name: "output excluded", yaml: "exclude: [\"*.romfs\"]\nfiles:\n  - src: \"**\"\n", tree: []string{"a"}, o: ResolveOptions{Outputs: []string{"app.romfs"}}},
	}
}

func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ path, want string }{
		{filepath.Join(dir, "gone.yaml"), "cannot be read: no such file or directory"},
		{dir, "is a directory; name the manifest in it"},
		{os.DevNull, "is no regular file"},
	} {
		_, err := Load(c.path)
		if err == nil || err.Error() != c.path+": "+c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
		var e *Error
		if !errors.As(err, &e) || e.Code != CodeIO {
			t.Errorf("%v has no code", err)
		}
	}
	var errs Errors
	big := filepath.Join(dir, "big.yaml")
	if err := os.WriteFile(big, make([]byte, 10<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(big); !errors.As(err, &errs) || errs[0].Code != strictyaml.CodeLimit {
		t.Errorf("got %v", err)
	}
}

package importer_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rules_romfs/internal/testcontext"
	"rules_romfs/packager/importer"
)

// TestMip: a package.json becomes the files that lie beside it, where mip would
// put them; all else is named.
func TestMip(t *testing.T) {
	top := t.TempDir()
	for name, text := range map[string]string{
		"pkg/package.json": `{
  "urls": [
    ["blink/__init__.py", "github:someone/blink/blink/__init__.py"],
    ["blink/fast.py", "gitlab:someone/blink/blink/fast.py@v1"],
    ["renamed.py", "./src/original.py"],
    ["table.bin", "data/table.bin"],
    ["far.py", "https://example.org/far.py"],
    ["gone.py", "github:someone/blink/gone.py"],
    ["../out.py", "src/original.py"],
    ["table.bin", "src/original.py"]
  ],
  "hashes": [["hashed.py", "0123abcd"]],
  "deps": [["logging", "latest"], ["github:other/thing"]],
  "version": "0.2",
  "author": "x"
}`,
		"pkg/blink/__init__.py": "", "pkg/blink/fast.py": "import micropython\n\n@micropython.native\ndef f(): pass\n", "pkg/src/original.py": "", "pkg/data/table.bin": "1", "pkg/far.py": "",
	} {
		put(t, top, name, []byte(text))
	}
	o := importer.Options{Source: filepath.Join(top, "pkg", "package.json"), Out: filepath.Join(top, "out", "romfs.yaml"), Board: "openmv-h7"}
	res := run(t, o)
	if res.Kind != importer.Mip {
		t.Errorf("taken for %s", res.Kind)
	}
	want := []string{
		"lib/blink/__init__.mpy blink/__init__.py O0", "lib/blink/fast.mpy blink/fast.py O0",
		"lib/renamed.mpy src/original.py O0", "lib/table.bin data/table.bin",
	}
	if d := cmp.Diff(want, frozen(t, o.Out)); d != "" {
		t.Errorf("-want +got\n%s\n%s", d, res.Text)
	}
	if !strings.Contains(string(res.Text), "arch: board") {
		t.Errorf("no architecture for machine code:\n%s", res.Text)
	}
	for _, text := range []string{
		"far.py lies at https://example.org/far.py", "gone.py lies at github:someone/blink/gone.py", "../out.py would lie outside", "table.bin is there twice",
		"hashed.py is known by its hash", "needs logging (latest)", "needs github:other/thing (latest)", `"author" is nothing that mip reads`,
	} {
		if !hasNote(res, importer.NoteLost, text) {
			t.Errorf("no note of %q: %v", text, res.Notes)
		}
	}
	if len(res.Notes) != 8 {
		t.Errorf("%d notes, want 8: %v", len(res.Notes), res.Notes)
	}
}

func TestMipErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{"urls": 3}`:                          ":1:10: is a number, not a list",
		`{"urls": ["a.py"]}`:                   `:1:11: is no list of two texts; write ["NAME", "…"]`,
		`{"urls": [["a.py", 3]]}`:              ":1:11: is no list of two texts",
		`{"urls": [["a.py", "b", "c"]]}`:       ":1:11: is no list of two texts",
		`{"deps": [["logging", "latest"]]}`:    ": nothing in it can be expressed",
		`{"urls": [["a.py", "http://x/a"]]}`:   ": nothing in it can be expressed",
		`{"urls": [["a.py", "../a.py"]]}`:      ": nothing in it can be expressed",
		`{"urls": [["a.py", "github:o/r"]]}`:   ": nothing in it can be expressed",
		`{"hashes": [["a.py", "00"]], "x": 1}`: ": nothing in it can be expressed",
	} {
		top := t.TempDir()
		put(t, top, "package.json", []byte(text))
		_, err := importer.Import(t.Context(), importer.Options{Source: filepath.Join(top, "package.json"), Out: filepath.Join(top, "romfs.yaml")})
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// TestGlobWithoutMatch: an entry whose pattern finds nothing is named, whether a
// manifest has such a pattern or not.
func TestGlobWithoutMatch(t *testing.T) {
	top := t.TempDir()
	put(t, top, "lib/a/x.txt", []byte("x"))
	put(t, top, "boards/OPENMV4P/romfs_config.json", []byte(`{"0": {"size": "0x800000", "entries": [
  {"type": "data", "path": "{TOP}/lib/*/*.bin", "alignment": 32},
  {"type": "data", "path": "{TOP}/lib/a/x.txt"},
  {"type": "data", "path": "{TOP}/lib/a/*.bin"}]}}`))
	o := importer.Options{Source: filepath.Join(top, "boards", "OPENMV4P", "romfs_config.json"), Out: filepath.Join(top, "romfs.yaml")}
	res := run(t, o)
	if d := cmp.Diff([]string{"x.txt lib/a/x.txt"}, frozen(t, o.Out)); d != "" {
		t.Errorf("-want +got\n%s\n%s", d, res.Text)
	}
	if !hasNote(res, importer.NoteLost, "lib/*/*.bin finds no file") || !hasNote(res, importer.NoteDiffers, "lib/a/*.bin finds no file yet") {
		t.Errorf("notes %v", res.Notes)
	}
	for _, text := range []string{"# finds no file: lib/*/*.bin", "- src: lib/a/*.bin\n    optional: true"} {
		if !strings.Contains(string(res.Text), text) {
			t.Errorf("no %q in\n%s", text, res.Text)
		}
	}
}

// TestHaarStages: where OpenMV's converter makes a cascade that no firmware can
// load, the note says so.
func TestHaarStages(t *testing.T) {
	top := t.TempDir()
	put(t, top, "new.xml", []byte("<opencv_storage><cascade><stageNum>3</stageNum></cascade></opencv_storage>"))
	put(t, top, "old.xml", []byte("<opencv_storage></opencv_storage>"))
	put(t, top, "romfs_config.json", []byte(`{"0": {"size": "0x20000", "entries": [
  {"type": "haar", "path": "new.xml", "stages": 2},
  {"type": "haar", "path": "old.xml", "stages": 2}]}}`))
	res := run(t, importer.Options{Source: filepath.Join(top, "romfs_config.json"), Out: filepath.Join(top, "romfs.yaml"), Board: "openmv-m4"})
	if !hasNote(res, importer.NoteDiffers, "new.xml is of the newer format") || hasNote(res, importer.NoteDiffers, "old.xml") {
		t.Errorf("notes %v", res.Notes)
	}
	put(t, top, "all.json", []byte(`{"0": {"size": "0x20000", "entries": [{"type": "haar", "path": "new.xml", "stages": 0}]}}`))
	if res := run(t, importer.Options{Source: filepath.Join(top, "all.json"), Out: filepath.Join(top, "all.yaml"), Board: "openmv-m4"}); len(res.Notes) > 0 {
		t.Errorf("notes of all stages: %v", res.Notes)
	}
}

// TestFreezeArch: machine code needs an architecture, which the manifest says
// where the board has one.
func TestFreezeArch(t *testing.T) {
	for _, c := range []struct{ board, text, note string }{
		{"openmv-h7", "arch: board                    # ", ""},
		{"rp2", "", "rp2 is a family with several; write that of yours into the manifest: mpy: {arch: armv6m}"},
		{"", "", "say which board with --board"},
	} {
		top := t.TempDir()
		put(t, top, "manifest.py", []byte("module(\"plain.py\")\nmodule(\"fast.py\")\n"))
		put(t, top, "plain.py", []byte("# @micropython.native\nx = '@micropython.viper'\n"))
		put(t, top, "fast.py", []byte("import micropython\n\nclass A:\n    @micropython.viper\n    def total(n: int) -> int:\n        return n\n"))
		res := run(t, importer.Options{Source: filepath.Join(top, "manifest.py"), Out: filepath.Join(top, "romfs.yaml"), Board: c.board})
		if c.text != "" && !strings.Contains(string(res.Text), c.text) || c.text == "" && strings.Contains(string(res.Text), "arch") {
			t.Errorf("%s: %s", c.board, res.Text)
		}
		var notes []string
		for _, n := range res.Notes {
			notes = append(notes, n.String())
		}
		if got := strings.Join(notes, "\n"); c.note == "" && got != "" || !strings.Contains(got, c.note) || c.note != "" && !strings.Contains(got, "fast.py:4:1: @micropython.viper makes machine code") {
			t.Errorf("%s: notes %s", c.board, got)
		}
	}
}

// TestImportCanceled: Ctrl-C ends an import, and is no defect of its source.
func TestImportCanceled(t *testing.T) {
	top := t.TempDir()
	put(t, top, "manifest.py", []byte("freeze(\"modules\")\nrequire(\"x\")\n"))
	put(t, top, "modules/a.py", nil)
	put(t, top, "lib/micropython/x/manifest.py", nil)
	for _, o := range []importer.Options{{Source: filepath.Join(top, "manifest.py"), Lib: filepath.Join(top, "lib")}, {Source: top}} {
		ctx, cancel := canceled(t)
		defer cancel(nil)
		o.Out = filepath.Join(top, "romfs.yaml")
		if _, err := importer.Import(ctx, o); !errors.Is(err, errEnough) {
			t.Errorf("%s: %v", o.Source, err)
		}
		if _, err := importer.NewProject(ctx, importer.ProjectOptions{Dir: top, Out: o.Out}); !errors.Is(err, errEnough) {
			t.Errorf("NewProject: %v", err)
		}
	}
}

// TestImportCanceledMidway: wherever Ctrl-C comes in an import of any kind, it is no defect of the
// source, and no manifest comes of it.
func TestImportCanceledMidway(t *testing.T) {
	top := t.TempDir()
	put(t, top, "manifest.py", []byte("freeze(\"modules\")\nrequire(\"x\")\npackage(\"p\")\n"))
	put(t, top, "modules/a.py", nil)
	put(t, top, "p/sub/__init__.py", nil)
	put(t, top, "lib/micropython/x/manifest.py", []byte("module(\"x.py\")\n"))
	put(t, top, "lib/micropython/x/x.py", nil)
	put(t, top, "package.json", []byte(`{"urls": [["a.py", "modules/a.py"]]}`))
	put(t, top, "data/b.bin", []byte("b"))
	config := putConfig(t, top, "ARDUINO_GIGA", map[string]any{"0": map[string]any{"size": "0x100000", "entries": []any{
		map[string]any{"type": "tflite", "path": "{TOP}/data/*", "alignment": 16}}}})
	for _, source := range []string{filepath.Join(top, "manifest.py"), filepath.Join(top, "package.json"), config, filepath.Join(top, "p")} {
		o := importer.Options{Source: source, Lib: filepath.Join(top, "lib"), Out: filepath.Join(top, "romfs.yaml")}
		n := 0
		for ; ; n++ {
			res, err := importer.Import(testcontext.EndsAfter(t, n), o)
			if err == nil {
				break
			}
			if !errors.Is(err, context.Canceled) || res != nil {
				t.Fatalf("%s, ended after %d: %v, %v", source, n, res, err)
			}
		}
		if n < 3 {
			t.Errorf("%s: it is asked %d times only whether it goes on", source, n)
		}
	}
}

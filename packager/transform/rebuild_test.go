package transform_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_romfs/manifest"
	"rules_romfs/packager/pack"
)

// TestRebuild counts the runs of a converter while a project changes: a label
// file beside the models costs none, a model costs its own.
func TestRebuild(t *testing.T) {
	notes := standIn(t, "vela", `
if [ "$1" = --version ]; then echo x >>"$NOTES/asked"; echo 5.2.0; exit; fi
echo x >>"$NOTES/runs"
for last; do :; done
mkdir -p ../out
{ echo "ethos-u"; cat "$last"; } >"../out/${last%.tflite}_vela.tflite"
`)
	counted := map[string]int{}
	count := func(what string) int {
		data, err := os.ReadFile(filepath.Join(notes, what))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		n := strings.Count(string(data), "x") - counted[what]
		counted[what] += n
		return n
	}
	path := project(t, velaManifest, map[string][]byte{"models/a.tflite": []byte("a"), "models/b.tflite": []byte("b"), "models/c.tflite": []byte("ethos-u c"), "models/a.txt": []byte("cat\n")})
	dir := filepath.Join(filepath.Dir(path), "models")
	o := pack.Options{Path: path, CacheRoot: t.TempDir(), Allow: []manifest.LintCode{manifest.LintOpenMVDirectory, "not-as-named"}}
	step := func(what string, runs int, change func()) []byte {
		t.Helper()
		if change != nil {
			change()
		}
		_, image, _ := build(t, o)
		if got := count("runs"); got != runs {
			t.Errorf("%s: %d runs, want %d", what, got, runs)
		}
		if got := count("asked"); got != 1 {
			t.Errorf("%s: the program was asked for its version %d times", what, got)
		}
		return image
	}
	write := func(name, text string) func() {
		return func() {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	first := step("first build", 2, nil)
	if again := step("nothing changed", 0, nil); string(again) != string(first) {
		t.Error("from the cache comes another image")
	}
	step("a label file", 0, write("a.txt", "dog\n"))
	step("another label file", 0, write("b.txt", "house\n"))
	step("a model", 1, write("a.tflite", "a, trained again"))
	step("a new model", 1, write("d.tflite", "d"))
	step("a model that is converted", 0, write("d.tflite", "d ethos-u"))
	step("for the other core", 2, func() { o.Partition = "romfs1" })
	step("and back", 0, func() { o.Partition = "romfs0" })
	step("without the cache", 2, func() { o.NoCache = true })
	o.NoCache = false

	// A cache that cannot be is a warning, and the image is the same.
	want := step("from the cache", 0, nil)
	o.CacheRoot = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(o.CacheRoot, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	im, image, _ := build(t, o)
	if len(im.Warnings) != 1 || im.Warnings[0].Code != pack.WarnCache || string(image) != string(want) || count("runs") != 2 {
		t.Errorf("a cache that is a file: %v", im.Warnings)
	}
}

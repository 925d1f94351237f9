package importer_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_romfs/packager/importer"
)

// TestDirectory: the manifest builds the bytes that the directory itself does,
// whatever is in it.
func TestDirectory(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "app")
	for _, name := range []string{
		"boot.py", "lib/m.py", "lib/both.py", "lib/sub/n.py", "data/a.bin", "data/we [i]rd!.txt", "models/x.tflite",
		".config", "lib/.hidden.py", "data/.hid/in.txt", "data/.hid/.in", ".git/HEAD", "lib/__pycache__/m.pyc", "key.pem", "old~",
	} {
		put(t, dir, name, []byte(name))
	}
	put(t, dir, "lib/both.mpy", []byte("M\x06\x00\x1f"))
	put(t, top, "shared/s.txt", []byte("shared"))
	if err := os.MkdirAll(filepath.Join(dir, "empty", "deep"), 0o777); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"linked": "../shared", "alias": "lib", "one.txt": "../shared/s.txt"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, out := range []string{filepath.Join(top, "romfs.yaml"), filepath.Join(top, "else", "where", "romfs.yaml")} {
		res := run(t, importer.Options{Source: dir, Out: out})
		if got, want := build(t, out)[0], build(t, dir)[0]; !bytes.Equal(got, want) {
			t.Errorf("the images differ: %d and %d bytes\n%s", len(got), len(want), res.Text)
		}
		if !hasNote(res, importer.NoteJunk, "key.pem") || hasNote(res, importer.NoteJunk, "a.bin") {
			t.Errorf("junk is not named: %v", res.Notes)
		}
	}
}

// TestDirectoryIsReadable: a thousand files are a pattern, not a list.
func TestDirectoryIsReadable(t *testing.T) {
	top := t.TempDir()
	for i := range 1000 {
		put(t, top, filepath.Join("app", "d"+string(rune('a'+i%26)), "f"+strings.Repeat("x", i/26)+".txt"), nil)
	}
	res := run(t, importer.Options{Source: filepath.Join(top, "app"), Out: filepath.Join(top, "romfs.yaml")})
	if n := bytes.Count(res.Text, []byte("\n")); n > 20 {
		t.Errorf("%d lines:\n%s", n, res.Text)
	}
}

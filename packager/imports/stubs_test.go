package imports

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// TestGatherStubs: the first directory that has a name counts, links are followed, and
// what cannot be read or written is an error.
func TestGatherStubs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	for name, text := range map[string]string{"a/one.py": "a", "b/one.py": "b", "b/pkg/two.py": "b", "c/pkg": "a file", "file": ""} {
		if err := os.MkdirAll(filepath.Dir(at(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"a/linked.py": "../b/one.py", "d/gone.py": "none"} {
		os.MkdirAll(filepath.Dir(at(link)), 0o755)
		if err := os.Symlink(target, at(link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := GatherStubs(at("out"), []string{at("a"), at("b")}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"one.py": "a", "linked.py": "b", "pkg/two.py": "b"} {
		if got, err := os.ReadFile(at("out/" + name)); string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, c := range map[string]struct {
		dst  string
		dirs []string
	}{
		"no directory":               {"out2", []string{at("none")}},
		"a link to nothing":          {"out3", []string{at("d")}},
		"a file where a folder is":   {"out4", []string{at("c"), at("b")}},
		"a destination below a file": {"file/out", nil},
	} {
		if err := GatherStubs(at(c.dst), c.dirs); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := (&Check{Image: at("none")}).Run(context.Background()); err == nil {
		t.Error("an image that is not there")
	}
	if _, err := (&Check{Image: at("file"), Stubs: []string{at("none")}, Modules: []string{"m"}}).Run(context.Background()); err == nil {
		t.Error("stubs that are not there")
	}
}

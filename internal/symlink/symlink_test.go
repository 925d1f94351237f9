package symlink

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestTarget(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	if err := os.MkdirAll(at("real/deep"), 0o777); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{
		"over": "once", "once": "real/file", "far": at("real/file"), "folder": "real/deep", "up": "folder/../file",
		"lost": "gone/file", "a": "b", "b": "a",
	} {
		if err := os.Symlink(to, at(name)); err != nil {
			t.Skip(err) // Windows, without the right to
		}
	}
	for name, want := range map[string]string{
		"none": "none", "over": "real/file", "far": "real/file", "up": "real/file", "lost": "gone/file", "a": "",
	} {
		if want != "" {
			want = at(want)
		}
		got, err := Target(at(name))
		if got != want || (err != nil) != (name == "lost" || name == "a") || name == "lost" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s leads to %q, %v; want %q", name, got, err, want)
		}
	}
}

package atomicfile

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// leave makes a file as a killed run leaves it.
func leave(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("half of an image"), 0o666); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-48 * time.Hour) // counts where there are no locks
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
}

// TestSweep: what a killed run left goes with the next file that is written
// beside it; what is being written stays, and what only looks so.
func TestSweep(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	kept := []string{".romfs-", ".romfs-abcdefghijkl", ".romfs-ABCDEFGHIJKLM", ".romfs-cache", ".romfsABCDEFGHIJKL", "ABCDEFGHIJKL"}
	for _, name := range append([]string{Temporary(), Temporary(), ProbePrefix + "x\u00e4"}, kept...) {
		leave(t, filepath.Join(dir, name))
	}
	sub := Temporary()
	if err := os.Mkdir(filepath.Join(dir, sub), 0o777); err != nil {
		t.Fatal(err)
	}
	writing, err := Create(filepath.Join(dir, "other"))
	if err != nil {
		t.Fatal(err)
	}
	defer writing.Close()
	if err := WriteFile(filepath.Join(dir, "image"), []byte("x")); err != nil {
		t.Fatal(err)
	}
	want := append([]string{"image", sub, filepath.Base(writing.Name())}, kept...)
	slices.Sort(want)
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("there is\n%q, want\n%q", got, want)
	}
	if err := writing.Commit(); err != nil {
		t.Error(err)
	}
}

// TestSweepMeetsWriters: runs that sweep and write in one directory at once do
// not disturb each other.
func TestSweepMeetsWriters(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 100 {
				path := filepath.Join(dir, fmt.Sprint(i))
				if err := WriteFile(path, fmt.Append(nil, j)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if got := names(t, dir); len(got) != 8 {
		t.Errorf("there is %q", got)
	}
}

// TestDanglingLink: what a link points to is made, wherever it is; the link
// stays.
func TestDanglingLink(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("making links needs a privilege there")
	}
	top := t.TempDir()
	for _, d := range []string{"out", "real/deep"} {
		if err := os.MkdirAll(filepath.Join(top, d), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, name string) string {
		t.Helper()
		path := filepath.Join(top, name)
		if err := os.Symlink(to, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link("../real/deep", "out/dir")
	for name, tc := range map[string]struct{ path, target string }{
		"relative":             {link("../real/a", "out/a"), "real/a"},
		"absolute":             {link(filepath.Join(top, "real/b"), "out/b"), "real/b"},
		"through a link":       {link("a2", "out/c"), ""},
		"to a link to nothing": {link("d2", "out/d"), "real/d"},
		"beside a linked dir":  {link("dir/../e", "out/e"), "real/e"},
	} {
		switch name {
		case "through a link":
			link("../real/c", "out/a2")
			tc.target = "real/c"
		case "to a link to nothing":
			link("../real/d", "out/d2")
		}
		if err := WriteFile(tc.path, []byte(name)); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if info, err := os.Lstat(tc.path); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("%s: the link is gone: %v", name, err)
		}
		if got := read(t, filepath.Join(top, tc.target)); got != name {
			t.Errorf("%s: read %q", name, got)
		}
		if err := WriteFile(tc.path, []byte("again")); err != nil || read(t, filepath.Join(top, tc.target)) != "again" {
			t.Errorf("%s: a second time: %v", name, err)
		}
	}
	loop := link("loop", "out/loop")
	if err := WriteFile(loop, nil); err == nil {
		t.Error("a link to itself was written to")
	}
	missing := link("../missing/x", "out/missing")
	if err := WriteFile(missing, nil); !os.IsNotExist(err) {
		t.Errorf("into a directory that is not there: %v", err)
	}
}

//go:build unix

package rooted

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	root := filepath.Join(dir, "root")
	for path, text := range map[string]string{"root/sub/file": "inside", "outside": "outside"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"link": "sub/file", "up": "../outside", "absolute": filepath.Join(dir, "outside"), "round": "../root/sub/file", "absolute inside": filepath.Join(root, "sub", "file")} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(root, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, inside := range map[string]bool{"sub/file": true, "link": true, "pipe": true, "up": false, "absolute": false, "round": true, "absolute inside": true, "../outside": false, "gone": false} {
		f, err := Open(root, filepath.Join(root, name))
		if inside != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			f.Close()
			continue
		}
		var path *fs.PathError
		if !errors.As(err, &path) || path.Path != filepath.Join(root, name) {
			t.Errorf("%s: %#v", name, err)
		}
	}
	if f, err := Open("", filepath.Join(root, "up")); err != nil {
		t.Error(err)
	} else {
		f.Close()
	}
}

// TestRoots: what a root may be, and be called.
func TestRoots(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("inside"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "file"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, c := range []struct {
		root, path string
		want       bool
	}{
		{dir, filepath.Join(dir, "file"), true},
		{".", "file", true},
		{".", "link", true},  // is absolute, and leads to where the root is
		{dir, "file", false}, // the one is absolute, the other is not: nobody can say
		{filepath.Join(dir, "gone"), filepath.Join(dir, "gone", "file"), false},
		{filepath.Join(dir, "file"), filepath.Join(dir, "file", "file"), false},
	} {
		f, err := Open(c.root, c.path)
		if c.want != (err == nil) {
			t.Errorf("%s in %s: %v", c.path, c.root, err)
		}
		if err == nil {
			f.Close()
		} else if !errors.As(err, new(*fs.PathError)) {
			t.Errorf("%s in %s: %#v", c.path, c.root, err)
		}
		fd, ok := Descriptor(c.root, c.path)
		if ok {
			syscall.Close(fd)
		}
		if ok && !c.want {
			t.Errorf("%s in %s: a descriptor", c.path, c.root)
		}
	}
}

// A file that is swapped for a link out of the tree, and back, is never opened
// outside.
func TestOpenRace(t *testing.T) {
	dir := t.TempDir()
	root := filepath.Join(dir, "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "outside"), []byte("outside"), 0o644); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(root, "file")
	swap := func(make func(string) error) {
		if err := make(name + ".new"); err != nil {
			t.Error(err)
		}
		if err := os.Rename(name+".new", name); err != nil {
			t.Error(err)
		}
	}
	inside := func(path string) error { return os.WriteFile(path, []byte("inside"), 0o644) }
	swap(inside)
	stop := make(chan struct{})
	var swapping sync.WaitGroup
	swapping.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			swap(func(path string) error { return os.Symlink("../outside", path) })
			swap(inside)
		}
	})
	for range 2000 {
		f, err := Open(root, name)
		if err != nil {
			continue
		}
		b, err := io.ReadAll(f)
		f.Close()
		if err == nil && string(b) == "outside" {
			t.Error("a file outside of the root was opened")
			break
		}
	}
	close(stop)
	swapping.Wait()
}

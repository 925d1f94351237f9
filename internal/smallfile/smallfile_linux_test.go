package smallfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	for _, size := range []int{0, 1, 2, 4095, 4096, 4097, 1 << 20} {
		want := bytes.Repeat([]byte{byte(size), 7}, size)[:size]
		if err := os.WriteFile(path, want, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, max := range []int64{int64(size), int64(size) + 1, 1 << 40} {
			got, modified, err := Read(path, max)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes, at most %d: %d bytes, %v", size, max, len(got), err)
			}
			if fi, err := os.Stat(path); err != nil || !fi.ModTime().Equal(modified) {
				t.Errorf("modified %v, want %v, %v", modified, fi.ModTime(), err)
			}
		}
		if size > 0 {
			if _, _, err := Read(path, int64(size)-1); !errors.Is(err, ErrLarge) {
				t.Errorf("%d bytes, at most %d: %v", size, size-1, err)
			}
		}
	}
}

// TestReadOddSizes: files whose size fstat does not tell, or that have more
// than it tells.
func TestReadOddSizes(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("/proc/self/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := Read("/proc/self/cmdline", 1<<20); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	status, _, err := Read("/proc/self/status", 1<<20)
	if err != nil || len(status) < 500 || !bytes.HasSuffix(status, []byte("\n")) {
		t.Errorf("%d bytes, %v", len(status), err)
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		filepath.Join(dir, "missing"): fs.ErrNotExist, dir: ErrNotRegular, fifo: ErrNotRegular, os.DevNull: ErrNotRegular,
	} {
		_, _, err := Read(path, 100)
		var pe *os.PathError
		if !errors.Is(err, want) || !errors.As(err, &pe) || pe.Path != path {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
}

// TestReadBelow: the same of files below a root, also by links that the fast way does
// not follow.
func TestReadBelow(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	file := filepath.Join(root, "file")
	if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"link": "file", "absolute": file, "folder": root, "out": os.DevNull, "dangling": "gone"} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	modified, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		root, name string
		max        int64
		want       error
	}{
		{root, "file", 4, nil}, {root, "link", 4, nil}, {root, "absolute", 4, nil}, {"", "absolute", 4, nil},
		{root, "file", 3, ErrLarge}, {root, "absolute", 3, ErrLarge}, {"", "file", 3, ErrLarge},
		{root, "folder", 4, ErrNotRegular}, {root, "gone", 4, fs.ErrNotExist}, {root, "dangling", 4, fs.ErrNotExist},
	} {
		path := filepath.Join(root, c.name)
		b, at, err := ReadBelow(nil, c.root, path, c.max)
		switch {
		case c.want == nil && (err != nil || string(b) != "text" || !at.Equal(modified.ModTime())):
			t.Errorf("%s below %q: %q, %v, %v", c.name, c.root, b, at, err)
		case c.want != nil && (!errors.Is(err, c.want) || b != nil):
			t.Errorf("%s below %q, at most %d: %q, %v, want %v", c.name, c.root, c.max, b, err, c.want)
		}
	}
	if b, _, err := ReadBelow(nil, root, filepath.Join(root, "out"), 4); err == nil {
		t.Errorf("a link out of the root: %q", b)
	}
}

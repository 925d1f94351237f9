package pack

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rules_romfs/internal/testcontext"
	"rules_romfs/packager/artifact"
)

func TestSave(t *testing.T) {
	t.Parallel()
	path := project(t, "files: [{src: a.txt}]\n", map[string]string{"a.txt": "x"})
	o := options(t, path)
	im, want, sidecar := build(t, o)
	dir := t.TempDir()
	target := filepath.Join(dir, "app.romfs")
	hashed := filepath.Join(dir, HashedName("app", sidecar.Image))
	paths, err := im.Save(t.Context(), Targets{Image: target, HashedDir: dir}, o.Reporter)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{target, target + ".json", hashed, hashed + ".json"}, paths); d != "" {
		t.Errorf("written (-want +got)\n%s", d)
	}
	for _, p := range []string{target, hashed} {
		got, err := os.ReadFile(p)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v, % x", p, err, got)
		}
		if s, err := artifact.ForImage(p); err != nil || s.Image != sidecar.Image {
			t.Errorf("sidecar of %s: %v", p, err)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 4 {
		t.Errorf("the directory holds %v", left)
	}
}

// TestSaveFailsWhole: where the second file cannot be written, the first is
// not replaced either.
func TestSaveFailsWhole(t *testing.T) {
	t.Parallel()
	path := project(t, "files: [{src: a.txt}]\n", map[string]string{"a.txt": "x"})
	o := options(t, path)
	im, _, _ := build(t, o)
	dir := t.TempDir()
	target := filepath.Join(dir, "app.romfs")
	write(t, target, "old")
	if err := os.Mkdir(artifact.Path(target), 0o777); err != nil {
		t.Fatal(err)
	}
	_, err := im.Save(t.Context(), Targets{Image: target}, o.Reporter)
	var output *OutputError
	if !errors.As(err, &output) {
		t.Errorf("error %v, want an *OutputError", err)
	}
	if got, _ := os.ReadFile(target); string(got) != "old" {
		t.Errorf("the target holds %q", got)
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("the directory holds %v", left)
	}
}

// TestSaveInterrupted: whenever Ctrl-C comes, the files are the old ones or the
// new ones, and never some of each.
func TestSaveInterrupted(t *testing.T) {
	t.Parallel()
	path := project(t, "files: [{src: a.txt}]\n", map[string]string{"a.txt": "x"})
	o := options(t, path)
	im, want, _ := build(t, o)
	for all := 0; ; all++ {
		dir := t.TempDir()
		target := filepath.Join(dir, "app.romfs")
		write(t, target, "old")
		write(t, artifact.Path(target), "old sidecar")
		_, err := im.Save(testcontext.EndsAfter(t, all), Targets{Image: target}, o.Reporter)
		image, readErr := os.ReadFile(target)
		sidecar, sidecarErr := os.ReadFile(artifact.Path(target))
		if readErr != nil || sidecarErr != nil {
			t.Fatal(readErr, sidecarErr)
		}
		if left, _ := os.ReadDir(dir); len(left) != 2 {
			t.Errorf("%d all: the directory holds %v", all, left)
		}
		if err == nil {
			if !bytes.Equal(image, want) || string(sidecar) == "old sidecar" {
				t.Errorf("%d all: saved, and not new", all)
			}
			if all == 0 {
				t.Error("nothing was interrupted")
			}
			return
		}
		if string(image) != "old" || string(sidecar) != "old sidecar" {
			t.Errorf("%d all: %v, and the image %.3q, the sidecar %.11q", all, err, image, sidecar)
		}
	}
}

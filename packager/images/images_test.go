package images

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_romfs/packager/inspect"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
)

// build makes the image of a directory with a module that stays as it is, and
// writes it into another.
func build(t *testing.T) (built *Image, written string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "app")
	for name, text := range map[string]string{"a.txt": "text", "lib/b.py": "x = 1\n"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	never := false
	p, err := pack.Open(t.Context(), pack.Options{Path: dir, Board: "openmv-n6", Compile: &never, Getenv: func(string) string { return "" }, Reporter: report.NewLog(&bytes.Buffer{})})
	if err != nil {
		t.Fatal(err)
	}
	all, err := Build(t.Context(), p)
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	written = filepath.Join(t.TempDir(), "app.romfs")
	if _, err := p.Save(t.Context(), []*pack.Image{all[0].Built}, []pack.Targets{{Image: written}}); err != nil {
		t.Fatal(err)
	}
	return all[0], written
}

func read(t *testing.T, path, board string) (*Image, error) {
	t.Helper()
	in, err := inspect.OpenSource(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return Read(in, board)
}

// TestReadIsBuild: what is known of an image that was built, its file and sidecar
// tell too.
func TestReadIsBuild(t *testing.T) {
	built, path := build(t)
	if !Is(path) || !Begins(path) || Is(filepath.Dir(path)) {
		t.Errorf("%s is not told from a directory", path)
	}
	im, err := read(t, path, "")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(im.Data, built.Data) || im.SHA256 != built.SHA256 || im.Name != built.Name || im.Board.ID != built.Board.ID || im.Partition() != "romfs0" || built.Partition() != "romfs0" {
		t.Errorf("read %v for %v, %s; built %v", im, im.Board, im.Partition(), built)
	}
	for _, x := range []*Image{im, built} {
		opened, err := x.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := opened.Find("lib/b.py"); err != nil {
			t.Error(err)
		}
	}
}

// TestReadAlone: without a sidecar, the board is the caller's and the name the
// file's; a stream has none.
func TestReadAlone(t *testing.T) {
	built, path := build(t)
	if err := os.Remove(path + ".json"); err != nil {
		t.Fatal(err)
	}
	im, err := read(t, path, "rp2")
	if err != nil || im.Name != "app" || im.Sidecar != nil || im.Board.ID != "rp2" || im.Partition() != "" {
		t.Errorf("%v, %v", im, err)
	}
	var unknown *pack.BoardError
	if _, err := read(t, path, "rp3"); !errors.As(err, &unknown) {
		t.Error(err)
	}
	in, err := inspect.ReadSource(t.Context(), "standard input", bytes.NewReader(built.Data))
	if err != nil {
		t.Fatal(err)
	}
	if im, err = Read(in, ""); err != nil || im.Name != "image" || im.Path != "" || im.Board != nil {
		t.Errorf("%v, %v", im, err)
	}
}

// TestReadDamaged: what no board should get is refused, with the offset.
func TestReadDamaged(t *testing.T) {
	built, path := build(t)
	damaged := bytes.Replace(built.Data, []byte("a.txt"), []byte("a/txt"), 1)
	if err := os.WriteFile(path, damaged, 0o666); err != nil {
		t.Fatal(err)
	}
	var bad *inspect.ImageError
	if _, err := read(t, path, ""); !errors.As(err, &bad) || !strings.Contains(err.Error(), "offset ") {
		t.Error(err)
	}
	if err := os.WriteFile(path, built.Data[:10], 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := read(t, path, ""); !errors.As(err, &bad) {
		t.Error(err)
	}
}

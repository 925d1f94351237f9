package pack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rules_romfs/internal/testcontext"
	"rules_romfs/packager/romfs"
)

func large(word string) string { return strings.Repeat(word, keepFile) }

// TestChangedWhileRead: an image never holds half of one version of a file
// and half of another.
func TestChangedWhileRead(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(path string) error{
		"same size": func(p string) error { return os.WriteFile(p, []byte(large("two")), 0o666) },
		"longer":    func(p string) error { return os.WriteFile(p, []byte(large("three")), 0o666) },
		"shorter":   func(p string) error { return os.WriteFile(p, []byte("1"), 0o666) },
		"removed":   os.Remove,
		"a directory": func(p string) error {
			return errors.Join(os.Remove(p), os.Mkdir(p, 0o777))
		},
	} {
		for _, old := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, old %v", name, old), func(t *testing.T) {
				t.Parallel()
				path := project(t, "files: [{src: data/a.txt}]\n", map[string]string{"data/a.txt": large("one")})
				source := filepath.Join(filepath.Dir(path), "data", "a.txt")
				if old {
					settle(t, source)
				}
				im, err := Build(t.Context(), options(t, path))
				if err != nil {
					t.Fatal(err)
				}
				if im.Input("a.txt").known == old {
					t.Errorf("read before it is written: %v", !old)
				}
				if err := change(source); err != nil {
					t.Fatal(err)
				}
				target := filepath.Join(t.TempDir(), "app.romfs")
				_, err = im.Save(t.Context(), Targets{Image: target}, options(t, path).Reporter)
				var failed *SourceError
				if !errors.As(err, &failed) || !strings.Contains(err.Error(), "data/a.txt (files[0])") {
					t.Errorf("error %v, want a *SourceError that names the file and its rule", err)
				}
				if left, _ := os.ReadDir(filepath.Dir(target)); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
			})
		}
	}
}

// settle makes a file look as if nobody had written to it for a while.
func settle(t *testing.T, path string) {
	t.Helper()
	if err := os.Chtimes(path, time.Now(), time.Now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
}

// TestChangedInTheMiddle: a file gets new content of the same size while it is
// read for the image, the only time.
func TestChangedInTheMiddle(t *testing.T) {
	t.Parallel()
	path := project(t, "files: [{src: a}]\n", map[string]string{"a": strings.Repeat("one", 4<<20)})
	source := filepath.Join(filepath.Dir(path), "a")
	settle(t, source)
	im, err := Build(t.Context(), options(t, path))
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	_, err = im.WriteTo(writerFunc(func(b []byte) (int, error) {
		once.Do(func() { write(t, source, strings.Repeat("two", 4<<20)) })
		return len(b), nil
	}))
	if !errors.Is(err, errChanged) {
		t.Errorf("error %v, want %v", err, errChanged)
	}
}

// TestLargeFilesAreReadOnce: but for those that may be equal, where that counts.
func TestLargeFilesAreReadOnce(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"same": large("one"), "same2": large("one"), "other": large("two"), "longer": large("three"),
		"in/romfs.yaml": "version: 1\nname: in\nfiles: [{src: a}]\n", "in/a": large("four"),
	}
	path := project(t, "files: [{src: [same, same2, other, longer], dest: /}, {image: in/romfs.yaml, dest: in.romfs}]\n", files)
	for name := range files {
		settle(t, filepath.Join(filepath.Dir(path), name))
	}
	im, err := Build(t.Context(), options(t, path))
	if err != nil {
		t.Fatal(err)
	}
	for dest, before := range map[string]bool{"same": true, "same2": true, "other": false, "longer": false, "in.romfs": false} {
		if im.Input(dest).known != before {
			t.Errorf("%s: read before it is written: %v, want %v", dest, !before, before)
		}
	}
	_, first, sidecar := build(t, options(t, path))
	if sidecar.Totals.Duplicates != 1 {
		t.Errorf("%d duplicates, want 1", sidecar.Totals.Duplicates)
	}
	var again bytes.Buffer
	for range 2 { // what the first writing has found out, the second checks
		again.Reset()
		if _, err := im.WriteTo(&again); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first, again.Bytes()) {
		t.Error("two builds differ")
	}
}

// TestNestedTwin: a nested image and a file of the same bytes are stored once.
func TestNestedTwin(t *testing.T) {
	t.Parallel()
	files := map[string]string{"in/romfs.yaml": "version: 1\nname: in\nfiles: [{src: a}]\n", "in/a": large("four")}
	inner := project(t, "", files)
	_, image, _ := build(t, options(t, filepath.Join(filepath.Dir(inner), "in", "romfs.yaml")))
	files["b.romfs"] = string(image)
	path := project(t, "files: [{image: in/romfs.yaml, dest: in.romfs}, {src: b.romfs}]\n", files)
	for name := range files {
		settle(t, filepath.Join(filepath.Dir(path), name))
	}
	if _, _, s := build(t, options(t, path)); s.Totals.Duplicates != 1 {
		t.Errorf("%d duplicates, want 1", s.Totals.Duplicates)
	}
}

// age makes a file as old as one whose writer is surely done.
func age(t *testing.T, path string) {
	t.Helper()
	then := time.Now().Add(-2 * freshFor)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

// TestHalfWritten: a source that somebody was still writing to when it was read
// is no part of an image, be it code or data.
func TestHalfWritten(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "m.py"} {
		path := project(t, "files: [{src: "+name+"}]\n", map[string]string{name: ""}) // emptied, to be written anew
		im, err := Build(t.Context(), options(t, path))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), []byte("x = 1\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		var source *SourceError
		if _, err := im.WriteTo(io.Discard); !errors.As(err, &source) || source.Source != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSmallFileChanges: a small file has been read whole, so the image holds
// what it was then.
func TestSmallFileChanges(t *testing.T) {
	t.Parallel()
	path := project(t, "files: [{src: a}, {src: empty}]\n", map[string]string{"a": "one", "empty": ""})
	for _, name := range []string{"a", "empty"} {
		age(t, filepath.Join(filepath.Dir(path), name))
	}
	im, err := Build(t.Context(), options(t, path))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "empty"} {
		if err := os.Remove(filepath.Join(filepath.Dir(path), name)); err != nil {
			t.Fatal(err)
		}
	}
	var image bytes.Buffer
	if _, err := im.WriteTo(&image); err != nil {
		t.Fatal(err)
	}
	read, err := romfs.Parse(image.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := read.ReadFile("a"); string(got) != "one" || err != nil {
		t.Errorf("a is %q, %v", got, err)
	}
}

// TestNestedChanges: the same, of a file inside a nested image.
func TestNestedChanges(t *testing.T) {
	t.Parallel()
	path := project(t, "files: [{image: in/romfs.yaml, dest: in.romfs}]\n", map[string]string{
		"in/romfs.yaml": "version: 1\nname: in\nfiles: [{src: a}]\n", "in/a": large("one"),
	})
	im, err := Build(t.Context(), options(t, path))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(filepath.Dir(path), "in", "a"), large("two"))
	var source *SourceError
	if _, err := im.WriteTo(io.Discard); !errors.As(err, &source) {
		t.Errorf("error %v, want a *SourceError", err)
	}
}

// TestDigestCanceled: Ctrl-C ends the reading of a large content.
func TestDigestCanceled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "large")
	write(t, path, strings.Repeat("x", 1<<20))
	in := &Input{Dest: "large", Path: path}
	if err := in.digest(testcontext.EndsAfter(t, 2)); !errors.Is(err, context.Canceled) {
		t.Errorf("it is read to its end: %v", err)
	}
}

// TestDuplicatesFailInOrder: of several files that are gone when they are compared, the
// error names the same one each time: the smallest.
func TestDuplicatesFailInOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var inputs []Input
	var found []digested
	for size := int64(40); size > 0; size-- {
		for _, twin := range []string{"a", "b"} {
			name := fmt.Sprintf("%02d%s", size, twin)
			inputs = append(inputs, Input{Dest: name, Source: name, Path: filepath.Join(dir, name)})
			found = append(found, digested{size: size})
		}
	}
	for range 20 {
		err := digestDuplicates(t.Context(), inputs, found)
		if err == nil || !strings.Contains(err.Error(), "01a") {
			t.Fatal(err)
		}
	}
}

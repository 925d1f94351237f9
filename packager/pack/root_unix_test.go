//go:build unix

package pack_test

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
)

// TestNothingFromOutside: a source that becomes a link out of root while the image
// is built is never packed from there.
func TestNothingFromOutside(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Error(err)
		}
		old := time.Now().Add(-time.Hour) // or what is new is looked at twice
		if err := os.Chtimes(path, old, old); err != nil {
			t.Error(err)
		}
	}
	put("outside", "OUTSIDE")
	put("app/src/a", "inside")
	put("app/romfs.yaml", "version: 1\nname: app\nfiles: [{src: src/a}]\n")
	name := filepath.Join(dir, "app", "src", "a")
	stop := make(chan struct{})
	var swapping sync.WaitGroup
	swapping.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			os.Symlink("../../outside", name+".new")
			os.Rename(name+".new", name)
			put("app/src/a.new", "inside")
			os.Rename(name+".new", name)
		}
	})
	built := 0
	for range 300 {
		project, err := pack.Open(t.Context(), pack.Options{Path: filepath.Join(dir, "app", "romfs.yaml"), Getenv: func(string) string { return "" }, Reporter: report.Discard(), NoCache: true})
		if err != nil {
			continue // it was a link just then
		}
		images, err := project.Build(t.Context())
		if err != nil {
			continue
		}
		var b bytes.Buffer
		if err := images[0].Stream(t.Context(), &b, report.Discard()); err != nil {
			continue
		}
		built++
		if bytes.Contains(b.Bytes(), []byte("OUTSIDE")) {
			t.Error("an image holds what lies outside of root")
			break
		}
	}
	close(stop)
	swapping.Wait()
	t.Logf("%d images were built", built)
}

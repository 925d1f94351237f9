//go:build unix

package importer_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rules_romfs/packager/importer"
)

// TestFIFO: nothing waits for the writer of a FIFO.
func TestFIFO(t *testing.T) {
	top := t.TempDir()
	put(t, top, "manifest.py", []byte("include(\"pipe.py\")\nmodule(\"a.py\")\n"))
	put(t, top, "a.py", nil)
	if err := syscall.Mkfifo(filepath.Join(top, "pipe.py"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := importer.Import(t.Context(), importer.Options{Source: filepath.Join(top, "manifest.py"), Out: filepath.Join(top, "romfs.yaml")})
	if err == nil || !strings.Contains(err.Error(), ":1:8: includes ") || !strings.Contains(err.Error(), "not a regular file") {
		t.Error(err)
	}
	if _, err := importer.NewProject(t.Context(), importer.ProjectOptions{Dir: top, Out: filepath.Join(top, "romfs.yaml")}); err != nil {
		t.Error(err)
	}
}

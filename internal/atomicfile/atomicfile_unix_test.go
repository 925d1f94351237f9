//go:build !windows

package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestPipesAreWrittenInPlace stands for devices too. It must not use one: if
// Create were wrong, a test that root runs would replace the system's own.
func TestPipesAreWrittenInPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o666); err != nil {
		t.Fatal(err)
	}
	read := make(chan string, 1)
	go func() {
		r, err := os.Open(path)
		if err != nil {
			read <- err.Error()
			return
		}
		defer r.Close()
		b, _ := io.ReadAll(r)
		read <- string(b)
	}()
	f, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if f.Regular() {
		f.Close()
		t.Fatal("the pipe would be replaced")
	}
	if _, err := f.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if err := errors.Join(f.Commit(), f.Close()); err != nil {
		t.Error(err)
	}
	if got := <-read; got != "x" {
		t.Errorf("the pipe carried %q", got)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("the pipe is gone: %v, %v", info, err)
	}
}

package syserr

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestReason(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	_, open := os.Open(missing)
	rename := os.Rename(missing, missing+"2")
	for _, err := range []error{open, rename, fmt.Errorf("around it: %w", open), os.NewSyscallError("stat", fs.ErrNotExist)} {
		got := Reason(err)
		if !errors.Is(got, fs.ErrNotExist) || got.Error() == err.Error() {
			t.Errorf("%v becomes %v", err, got)
		}
	}
	if other := errors.New("other"); Reason(other) != other {
		t.Errorf("%v becomes %v", other, Reason(other))
	}
}

// TestPlain: the path stays, the operation goes.
func TestPlain(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	_, err := os.Open(missing)
	got := Plain(fmt.Errorf("around it: %w", err))
	if want := missing + ": " + Reason(err).Error(); !errors.Is(got, fs.ErrNotExist) || got.Error() != want {
		t.Errorf("%v becomes %v, want %s", err, got, want)
	}
	if other := errors.New("other"); Plain(other) != other {
		t.Errorf("%v becomes %v", other, Plain(other))
	}
}

package simboard

import (
	"errors"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"rules_romfs/packager/simboard/flashsim"
)

// TestFlashIsGivenBack: a program that is being started at the moment a board
// closes has the flash file open until it runs, and takes nobody's lock along.
func TestFlashIsGivenBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "flash")
	open := func() (*flashFile, error) { return openFlash(path, nil, flashsim.Habits{}) }
	first, err := open()
	if err != nil {
		t.Fatal(err)
	}
	var busy *BusyError
	if _, err := open(); !errors.As(err, &busy) {
		t.Errorf("two boards with one flash: %v", err)
	}
	started, err := unix.Dup(int(first.file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(started)
	first.close()
	second, err := open()
	if err != nil {
		t.Fatal(err)
	}
	second.close()
}

package mpy

import (
	"os"

	"golang.org/x/sys/unix"
)

// nameless returns a file in memory.
func nameless() (*os.File, error) {
	fd, err := unix.MemfdCreate("romfs-mpy", unix.MFD_CLOEXEC)
	if err != nil {
		return unlinked() // a kernel without, or one that forbids it
	}
	return os.NewFile(uintptr(fd), "romfs-mpy"), nil
}

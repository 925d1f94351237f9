package port

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lockOffset is far behind what is written into the file, which others may
// so still read: locks are mandatory here.
const lockOffset = 1 << 20

func lockFile(f *os.File) error {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
		0, 1, 0, &windows.Overlapped{Offset: lockOffset})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errLocked
	}
	return err
}

//go:build !unix

package atomicfile

import (
	"os"
	"time"
)

// Without such locks, a file that has not been written for a day is left over.
const leftoverAge = 24 * time.Hour

func lock(*os.File) (taken, unknown bool) { return false, true }

func keepLock(*os.File) *os.File { return nil }

func removeLeftover(path string) {
	if info, err := os.Lstat(path); err == nil && time.Since(info.ModTime()) > leftoverAge {
		os.Remove(path) // fails for a file that is open
	}
}

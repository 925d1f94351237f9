//go:build !linux

package mpy

import (
	"fmt"
	"os"
	"time"
)

// identify returns what changes whenever the file at path is written to or
// replaced, and when that last happened. A missing file has no identity.
func identify(path string) (id string, changed time.Time) {
	fi, err := os.Stat(path)
	if err != nil {
		return "", time.Time{}
	}
	return fmt.Sprintf("%d.%d", fi.Size(), fi.ModTime().UnixNano()), fi.ModTime()
}

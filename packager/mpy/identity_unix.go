//go:build linux || darwin

package mpy

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// identify returns what changes whenever the file at path is written to or
// replaced, and when that last happened. A missing file has no identity. The
// change time catches a file that was written and had its modification time
// set back.
func identify(path string) (id string, changed time.Time) {
	fi, err := os.Stat(path)
	if err != nil {
		return "", time.Time{}
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return "", time.Time{}
	}
	at := changeTime(st)
	changed = time.Unix(at.Unix())
	return fmt.Sprintf("%d.%d.%d.%d.%d", st.Dev, st.Ino, st.Size, fi.ModTime().UnixNano(), changed.UnixNano()), changed
}

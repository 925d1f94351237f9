//go:build darwin || freebsd || netbsd

package smallfile

import (
	"syscall"
	"time"
)

func modifiedAt(st *syscall.Stat_t) time.Time { return time.Unix(st.Mtimespec.Unix()) }

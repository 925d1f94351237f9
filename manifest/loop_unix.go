//go:build unix

package manifest

import (
	"errors"
	"syscall"
)

// isLoop reports whether the system found a cycle of symbolic links.
func isLoop(err error) bool { return errors.Is(err, syscall.ELOOP) }

//go:build unix

package source

import (
	"errors"
	"syscall"
)

// IsLoop reports whether the system found a cycle of symbolic links.
func IsLoop(err error) bool { return errors.Is(err, syscall.ELOOP) }

//go:build unix && !linux

package mpy

import "os"

// nameless returns a temporary file.
func nameless() (*os.File, error) { return unlinked() }

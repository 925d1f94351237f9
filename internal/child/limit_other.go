//go:build !linux

package child

import "os/exec"

// LimitFiles does nothing: only Linux limits another process.
func LimitFiles(*exec.Cmd, uint64) error { return nil }

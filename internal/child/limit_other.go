//go:build !unix

package child

import "os/exec"

// LimitFiles limits nothing here, and says so.
func LimitFiles(*exec.Cmd, int64) bool { return false }

//go:build !unix

package child

import "os/exec"

// ownGroup leaves the default in place: cancellation ends the child itself.
func ownGroup(*exec.Cmd) {}

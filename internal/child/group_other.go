//go:build !unix

package child

import "os/exec"

// ownGroup leaves the default in place: cancellation ends the child itself.
func ownGroup(*exec.Cmd) {}

// EndGroup does nothing: there are no groups.
func EndGroup(*exec.Cmd) {}

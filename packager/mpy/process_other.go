//go:build !unix

package mpy

import "os/exec"

// ownGroup leaves the default in place: cancellation ends the child itself.
func ownGroup(*exec.Cmd) {}

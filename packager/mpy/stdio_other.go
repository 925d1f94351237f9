//go:build !linux

package mpy

import "os/exec"

// openStdio connects a program by pipes.
func openStdio(cmd *exec.Cmd, in []byte) standard { return openPipes(cmd, in) }

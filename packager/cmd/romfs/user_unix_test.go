//go:build !windows

package main

import (
	"os"
	"os/exec"
	"syscall"
)

// nobody is the uid that has no rights of its own on any Unix.
const nobody = 65534

// asNobody runs a command without root's rights, so that permissions count.
// Whoever is not root has none to lose.
func asNobody(cmd *exec.Cmd) {
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
}

//go:build unix

package device

import (
	"os/exec"
	"syscall"
)

// ownGroup makes cmd the leader of a process group: Ctrl-C in the terminal is
// for us, who end the program in order, and endGroup reaches its children.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func endGroup(cmd *exec.Cmd) { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

//go:build unix

package child

import (
	"os/exec"
	"syscall"
)

// ownGroup puts the child into a process group of its own and ends the whole
// group on cancellation: a wrapper script's compiler must not outlive it.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// EndGroup ends what a command that has ended leaves running.
func EndGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // mostly nobody is left to be found
	}
}

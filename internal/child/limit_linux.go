package child

import (
	"os/exec"

	"golang.org/x/sys/unix"
)

// LimitFiles bounds the size in bytes of each file that a command which has
// started, and what it starts, may write.
func LimitFiles(cmd *exec.Cmd, size uint64) error {
	return unix.Prlimit(cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: size, Max: size}, nil)
}

//go:build unix

package child

import (
	"os"
	"os/exec"
	"strconv"
)

// The size of a file is limited by a shell that becomes the program: the limit
// holds before the program's first instruction, and so for all that it starts.
const (
	shell     = "/bin/sh"
	limitUnit = 512 // bytes in which ulimit -f counts (POSIX)
)

// LimitFiles bounds the size in bytes, a multiple of 512, of each file that a
// command which is going to be started, and what it starts, may write. It
// reports whether it can: where there is no shell, and on Windows, it cannot.
func LimitFiles(cmd *exec.Cmd, size int64) bool {
	if cmd.Err != nil {
		return false
	}
	if _, err := os.Stat(shell); err != nil {
		return false
	}
	// A lower limit that is in force already stays.
	script := "ulimit -f " + strconv.FormatInt(size/limitUnit, 10) + ` 2>/dev/null; exec "$0" "$@"`
	cmd.Args = append([]string{shell, "-c", script, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = shell
	return true
}

package port

import (
	"context"
	"os/exec"
	"syscall"

	"rules_romfs/internal/child"
)

// shell runs a command as its user would type it. With /s, cmd takes off the
// first and the last quote and leaves all others alone; it does not understand
// how Go would quote for programs in C.
func shell(ctx context.Context, command string) *exec.Cmd {
	cmd := child.Command(ctx, "cmd")
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.CmdLine = `cmd /s /c "` + command + `"`
	return cmd
}

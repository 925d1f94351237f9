//go:build unix

package port

import (
	"context"
	"os/exec"

	"rules_romfs/internal/child"
)

// shell runs a command as its user would type it.
func shell(ctx context.Context, command string) *exec.Cmd {
	return child.Command(ctx, "/bin/sh", "-c", command)
}

// Package child runs programs that end with us: a compiler or converter that
// is no longer wanted must not go on, nor what it has started.
package child

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// Command prepares a child process that ends with ctx, together with what it
// may have started.
func Command(ctx context.Context, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	ownGroup(cmd)
	// A grandchild that survives must not hold us by its end of a pipe.
	cmd.WaitDelay = 2 * time.Second
	return cmd
}

// Error adds what a child printed to the error of running it. Where ctx ended
// it, its cause is the error.
func Error(ctx context.Context, err error, output []byte) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if out := strings.TrimSpace(string(output)); out != "" {
		return fmt.Errorf("%w: %.400s", err, out)
	}
	return err
}

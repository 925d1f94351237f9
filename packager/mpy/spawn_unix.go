//go:build unix && !linux

package mpy

import (
	"context"
	"errors"
	"os"
	"os/exec"

	"rules_romfs/internal/child"
)

// run runs a program, with these files as its standard input, output and error,
// in a process group that ends with ctx. A program that fails is an
// [*exitError].
func run(ctx context.Context, path string, args []string, stdio [3]*os.File) error {
	cmd := child.Command(ctx, path, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdio[0], stdio[1], stdio[2]
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return &exitError{exit.String()}
	}
	return err
}

//go:build !unix

package mpy

import (
	"bytes"
	"context"
	"errors"
	"os/exec"

	"rules_romfs/internal/child"
)

// runStdio runs a program with in as its input, and returns what it printed. A
// program that fails is an [*exitError].
func runStdio(ctx context.Context, path string, args []string, in []byte) (stdout, stderr []byte, err error) {
	var out, errs bytes.Buffer
	cmd := child.Command(ctx, path, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &errs
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = &exitError{exit.String()}
	}
	return out.Bytes(), errs.Bytes(), err
}

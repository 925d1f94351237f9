//go:build !unix

package mpy

import (
	"bytes"
	"os/exec"
)

// runStdio runs cmd with in as its input, and returns what it printed.
func runStdio(cmd *exec.Cmd, in []byte) (stdout, stderr []byte, err error) {
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &errs
	err = cmd.Run()
	return out.Bytes(), errs.Bytes(), err
}

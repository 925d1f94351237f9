package mpy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"rules_romfs/internal/child"
)

// Bounds of one run of a compiler: what mpy-cross itself comes nowhere near, and
// what a program that only seems to be it must not pass.
const (
	maxPrinted   = 64 << 20 // bytes of its standard output, and of its standard error
	versionLimit = 10 * time.Second
	compileLimit = 5 * time.Minute // a source of the largest size takes seconds
	slowAfter    = 5 * time.Second // then the user is told what is waited for
)

// An exitError is a program that ran, and did not succeed.
type exitError struct{ how string } // "exit status 1", "signal: killed"

func (e *exitError) Error() string { return e.how }

// A limitError is a program that was ended, or not believed, because it passed a
// bound that mpy-cross keeps.
type limitError struct{ what string }

func (e *limitError) Error() string { return e.what + "; is it mpy-cross?" }

var errPrinted = &limitError{fmt.Sprintf("it printed more than %d MiB", maxPrinted>>20)}

// limitTime bounds the time of a run; its end has a cause that says so.
func limitTime(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, limit, &limitError{fmt.Sprintf("it gave no answer in %v and was ended", limit)})
}

// runStdio runs a program with in as its input, and returns what it printed. A
// program that fails is an [*exitError], one that passes a bound a
// [*limitError]. When runStdio returns nothing that the program has started is
// running any more.
func runStdio(ctx context.Context, path string, args []string, in []byte) (stdout, stderr []byte, err error) {
	cmd := child.Command(ctx, path, args...)
	s := openStdio(cmd, in)
	defer s.close()
	err = cmd.Run()
	child.EndGroup(cmd)
	stdout, stderr, full := s.printed()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case full:
		err = errPrinted
	case errors.As(err, &exit):
		err = &exitError{exit.String()}
	case errors.Is(err, exec.ErrWaitDelay):
		err = nil // it has ended well, and something that it had started kept the pipe
	}
	return stdout, stderr, err
}

// A standard is the standard input, output and error of one run.
type standard interface {
	printed() (stdout, stderr []byte, full bool)
	close()
}

// pipes are the standard input, output and error of a program, through pipes.
type pipes struct{ out, errs bounded }

func openPipes(cmd *exec.Cmd, in []byte) *pipes {
	p := &pipes{}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &p.out, &p.errs
	return p
}

func (p *pipes) printed() (stdout, stderr []byte, full bool) {
	return p.out.b, p.errs.b, p.out.full || p.errs.full
}

func (p *pipes) close() {}

// A bounded buffer takes maxPrinted bytes; at the next one its writer is told to
// stop.
type bounded struct {
	b    []byte
	full bool
}

func (w *bounded) Write(p []byte) (int, error) {
	if len(w.b)+len(p) > maxPrinted {
		w.full = true
		return 0, errPrinted
	}
	w.b = append(w.b, p...)
	return len(p), nil
}

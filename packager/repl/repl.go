// Package repl drives the raw REPL of a MicroPython board over a port: it enters
// it, resets the interpreter, and runs programs that it checks for what the line
// did to them.
package repl

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"rules_romfs/packager/port"
)

// Control characters of the REPL.
const (
	ctrlA = "\x01" // enter raw REPL
	ctrlB = "\x02" // leave raw REPL
	ctrlC = "\x03" // interrupt
	ctrlD = "\x04" // end of input; soft reset on an empty line
)

// Banner is what the raw REPL says when it is entered, and after a soft
// reset inside it.
const Banner = "raw REPL; CTRL-B to exit\r\n>"

// A REPL is a board's interactive prompt, driven as a program does it: in raw
// mode. The protocol is MicroPython's, docs/reference/repl.rst.
type REPL struct {
	Link  *port.Link
	Raw   bool // at the raw prompt, and nothing of ours runs
	Small bool // the board has too little memory for whole programs

	// Farewell is what makes a program of ours that still runs on the board end,
	// on firmware that takes no Ctrl-C meanwhile. To a prompt it means nothing.
	Farewell string

	loaded  bool // the Loader is there, and was right
	noPaste bool // the firmware has no raw-paste mode, or it went wrong once
	careful bool // the line lost something: never more than one window on the way
}

// An Error is an exception that code on the board ended with.
type Error struct{ Traceback string }

func (e *Error) Error() string {
	lines := strings.Split(strings.TrimSpace(e.Traceback), "\n")
	return "the board raised " + strings.TrimSpace(lines[len(lines)-1])
}

// Advice returns the code of the error.
func (e *Error) Advice() (code, hint string) { return "board-exception", "" }

// OutOfMemory tells whether the code ended for want of memory.
func (e *Error) OutOfMemory() bool { return strings.Contains(e.Traceback, "MemoryError") }

// An exception is an error that code on the board raised: an *Error, or what a
// protocol above this one carried over.
type exception interface {
	error
	OutOfMemory() bool
}

// OutOfMemory tells whether the board had too little memory for what it was told
// to do.
func OutOfMemory(err error) bool {
	var raised exception
	return errors.As(err, &raised) && raised.OutOfMemory()
}

// ErrReset is what a port.TransferError wraps when the board restarted.
var ErrReset = errors.New("the board restarted")

// Leave returns to the friendly REPL. run soft-resets there, so that main.py
// starts.
func (r *REPL) Leave(ctx context.Context, run bool) error {
	r.Raw = false
	if run {
		if err := r.Link.Write(ctx, []byte("\r"+ctrlB+ctrlD)); err != nil {
			return err
		}
		_, err := r.Link.WaitFor(ctx, 5*time.Second, "soft reboot")
		if errors.Is(err, port.ErrLost) {
			return nil // the reset took USB along
		}
		return err
	}
	var err error
	for range 3 {
		if err := r.Link.Write(ctx, []byte("\r"+ctrlB)); err != nil {
			return err
		}
		// What else the board prints may lie in the middle of the prompt.
		if _, err = r.Link.WaitFor(ctx, 2*time.Second, ">>> "); !errors.Is(err, port.ErrTimeout) {
			break
		}
	}
	return err
}

// Exec runs code and returns what it printed. limit bounds the time until its
// output ends. An exception is an *Error.
func (r *REPL) Exec(ctx context.Context, code string, limit time.Duration) ([]byte, error) {
	if err := r.Start(ctx, code); err != nil {
		return nil, err
	}
	return r.Finish(ctx, limit)
}

// Run is Exec for one of our own programs, of several statements: none of it
// runs unless it arrived as it was sent. A board with little memory gets one
// piece after the other; the output is that of the last.
func (r *REPL) Run(ctx context.Context, program string, limit time.Duration) ([]byte, error) {
	pieces := []string{Guarded(program)}
	exec := r.execGuarded
	if r.Small {
		pieces, exec = SmallPieces(program), r.execPiece
	}
	var out []byte
	for _, piece := range pieces {
		var err error
		if out, err = exec(ctx, piece, limit); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// execGuarded runs guarded statements, behind the loader unless that is there.
func (r *REPL) execGuarded(ctx context.Context, guarded string, limit time.Duration) ([]byte, error) {
	code := guarded
	if !r.loaded {
		code = Loader() + guarded
	}
	out, err := r.Exec(ctx, code, limit)
	r.loaded = err == nil
	return out, err
}

// execPiece runs guarded statements that may be run twice, such as definitions,
// again if the line garbled them. With them it sends the loader, unless that is
// there: nothing checks the loader, and a damaged one may refuse what is right.
func (r *REPL) execPiece(ctx context.Context, piece string, limit time.Duration) (out []byte, err error) {
	for try := range 6 {
		if try > 0 {
			if err := r.Enter(ctx, ConnectLimit); err != nil {
				return nil, err
			}
		}
		if !r.loaded {
			_, err = r.Exec(ctx, Loader(), AnswerLimit)
		}
		if r.loaded || err == nil {
			out, err = r.Exec(ctx, piece, limit)
			r.loaded = err == nil
		}
		var exec *Error
		if err == nil || ctx.Err() != nil || errors.Is(err, port.ErrLost) || errors.As(err, &exec) && exec.OutOfMemory() {
			break
		}
	}
	return out, err
}

// Retry calls f, which talks to the raw REPL, until it succeeds: a damaged byte
// shows as an exception there or as silence. Each try is more careful than the
// last.
func (r *REPL) Retry(ctx context.Context, f func() error) error {
	var err error
	for try := range 6 {
		if try > 0 {
			if eerr := r.Enter(ctx, ConnectLimit); eerr != nil {
				return eerr
			}
		}
		err = f()
		var transfer *port.TransferError
		var raised exception
		switch {
		case err == nil || ctx.Err() != nil || errors.Is(err, port.ErrLost) || errors.Is(err, ErrReset):
			return err
		case errors.As(err, &raised):
			if r.Small && raised.OutOfMemory() {
				return err
			}
			r.Small = r.Small || raised.OutOfMemory()
		case !errors.As(err, &transfer):
			return err
		}
		r.careful = r.careful || try > 0
		r.Small = r.Small || try > 1 // what is garbled then is less
	}
	return port.Failed("sending a program to "+r.Link.Name(), err)
}

// Interrupt is what stops a program.
const Interrupt = ctrlC

// helpLine is part of what the friendly REPL says when the board has started.
const helpLine = "Type \"help()\" for more information."

// Ended waits until the running program ends and returns what it printed, as Finish does;
// Traceback follows. A board that restarts instead is an error that matches ErrReset.
// After port.ErrTimeout too, what was printed until then is returned.
func (r *REPL) Ended(ctx context.Context, limit time.Duration) ([]byte, error) {
	out, err := r.Link.WaitFor(ctx, limit, ctrlD, rebooted+"\r\n", Banner, helpLine)
	if err != nil {
		seen, _ := r.Link.Drain(ctx, 0, 0)
		return seen, err
	}
	if !bytes.HasSuffix(out, []byte(ctrlD)) {
		return out, port.Failed("waiting for the board's answer", ErrReset)
	}
	return bytes.TrimSuffix(out, []byte(ctrlD)), nil
}

// Traceback returns what the program of which Ended has seen the end was ended by, "" if
// it ended by itself. The board is at its raw prompt then.
func (r *REPL) Traceback(ctx context.Context) (string, error) {
	text, err := r.Link.WaitFor(ctx, AnswerLimit, ctrlD)
	if err != nil {
		return "", r.execError("waiting for the board's answer", err)
	}
	if _, err := r.Link.WaitFor(ctx, AnswerLimit, ">"); err != nil {
		return "", r.execError("waiting for the board's prompt", err)
	}
	r.Raw = true
	return strings.TrimSuffix(string(text), ctrlD), nil
}

// Finish waits until the running program ends and returns what it printed.
func (r *REPL) Finish(ctx context.Context, limit time.Duration) ([]byte, error) {
	out, err := r.Link.WaitFor(ctx, limit, ctrlD)
	if err != nil {
		return nil, r.execError("waiting for the board's answer", err)
	}
	text, err := r.Traceback(ctx)
	if err != nil {
		return nil, err
	}
	out = bytes.TrimSuffix(out, []byte(ctrlD))
	if text != "" {
		return out, &Error{text}
	}
	return out, nil
}

func (r *REPL) execError(op string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return port.Failed(op, err)
}

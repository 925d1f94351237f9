// Package repl drives the raw REPL of a MicroPython board over a port: it enters
// it, resets the interpreter, and runs programs that it checks for what the line
// did to them.
package repl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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

// ConnectLimit bounds the wait for a prompt: a board that boots when its port
// is opened, and waits for a network in boot.py, takes a while.
const ConnectLimit = 20 * time.Second

// A REPL is a board's interactive prompt, driven as a program does it: in raw
// mode. The protocol is MicroPython's, docs/reference/repl.rst.
type REPL struct {
	Link  *port.Link
	Raw   bool // at the raw prompt, and nothing of ours runs
	Small bool // the board has too little memory for whole programs

	// Farewell is what makes a program of ours that still runs on the board end,
	// on firmware that takes no Ctrl-C meanwhile. To a prompt it means nothing.
	Farewell string

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

// Enter brings the board to the raw REPL, whatever it is doing, within limit.
// Opening the port may have reset the board, and a program may be running, so
// it asks again and again, each time in another way.
func (r *REPL) Enter(ctx context.Context, limit time.Duration) error {
	r.Raw = false
	end := time.Now().Add(limit)
	var seen []byte
	for try := 0; ; try++ {
		if err := r.knock(ctx, try); err != nil {
			return err
		}
		// A program needs a moment to end; a prompt answers at once.
		b, err := r.Link.Drain(ctx, 20*time.Millisecond, 200*time.Millisecond)
		if err != nil {
			return connectError(r.Link, err)
		}
		seen = append(seen, b...)
		if err := r.Link.Write(ctx, []byte("\r"+ctrlA)); err != nil {
			return err
		}
		wait := min(time.Duration(try+1)*300*time.Millisecond, 2*time.Second)
		b, err = r.Link.WaitFor(ctx, wait, Banner)
		if err == nil {
			r.Raw = true
			return nil
		}
		if !errors.Is(err, port.ErrTimeout) {
			return connectError(r.Link, err)
		}
		if seen = append(seen, b...); time.Now().After(end) {
			return &port.TransferError{Op: "entering the raw REPL of " + r.Link.Name(),
				Err:  fmt.Errorf("%w within %v%s", port.ErrTimeout, limit, heard(seen)),
				Hint: "is it a MicroPython board, and is no other program using the port?"}
		}
	}
}

// knock interrupts what the board is doing, in one of several ways.
func (r *REPL) knock(ctx context.Context, try int) error {
	switch {
	case try == 0:
		return r.Link.Write(ctx, []byte("\r"+ctrlC+ctrlC))
	case try%3 == 2:
		return r.burst(ctx)
	case try%2 == 1: // also out of a raw REPL that another tool left behind
		return r.Link.Write(ctx, []byte("\r"+r.Farewell+ctrlB+ctrlC))
	}
	return r.Link.Write(ctx, []byte("\r"+r.Farewell+ctrlC+ctrlC))
}

// burst is for a program that catches the KeyboardInterrupt and goes on: of many
// at changing intervals, one comes while it deals with the one before.
func (r *REPL) burst(ctx context.Context) error {
	const many = 60
	for i := range many {
		if err := r.Link.Write(ctx, []byte(ctrlC)); err != nil {
			return err
		}
		select {
		case <-time.After(time.Duration(i%7) * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func connectError(l *port.Link, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return port.Failed("connecting to "+l.Name(), err)
}

// heard words what a board said instead of what was hoped for.
func heard(b []byte) string {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return " (it said nothing)"
	}
	if len(b) > 60 {
		b = b[len(b)-60:]
	}
	return fmt.Sprintf(" (it said %q)", b)
}

// rebooted is what a board prints when it begins a soft reset.
const rebooted = "soft reboot"

// SoftReset restarts the interpreter and stays in raw mode. boot.py runs
// again, main.py does not. A boot.py that does not end is interrupted.
func (r *REPL) SoftReset(ctx context.Context, limit time.Duration) error {
	for range 3 {
		// What the line already holds would be run instead.
		if err := r.Link.Write(ctx, []byte(ctrlC+ctrlD)); err != nil {
			return err
		}
		begun := false
		end := time.Now().Add(min(limit, 3*time.Second))
		for {
			out, err := r.Link.WaitFor(ctx, time.Until(end), rebooted, Banner)
			if errors.Is(err, port.ErrTimeout) {
				break
			}
			if err != nil {
				return port.Failed("soft reset of "+r.Link.Name(), err)
			}
			// A banner before it is that of an older question.
			done := begun && bytes.HasSuffix(out, []byte(Banner))
			begun = begun || bytes.HasSuffix(out, []byte(rebooted))
			if done {
				return nil
			}
		}
		if err := r.Enter(ctx, limit); err != nil || begun {
			return err
		}
	}
	return nil // it says nothing, or the line loses it: what depends on it, is checked
}

// Leave returns to the friendly REPL. run soft-resets there, so that main.py
// starts.
func (r *REPL) Leave(ctx context.Context, run bool) error {
	out := "\r" + ctrlB
	if run {
		out += ctrlD
	}
	r.Raw = false
	if err := r.Link.Write(ctx, []byte(out)); err != nil {
		return err
	}
	if run {
		_, err := r.Link.WaitFor(ctx, 5*time.Second, "soft reboot")
		if errors.Is(err, port.ErrLost) {
			return nil // the reset took USB along
		}
		return err
	}
	_, err := r.Link.WaitFor(ctx, 2*time.Second, ">>> ")
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
	loader := Loader()
	if !r.Small {
		return r.Exec(ctx, loader+Guarded(program), limit)
	}
	var out []byte
	for i, piece := range SmallPieces(program) {
		var err error
		if out, err = r.execPiece(ctx, loader, piece, i > 0, limit); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// execPiece runs guarded statements that may be run twice, such as definitions,
// again if the line garbled them. With them it sends the loader, unless that is
// loaded: nothing checks the loader, and a damaged one may refuse what is right.
func (r *REPL) execPiece(ctx context.Context, loader, piece string, loaded bool, limit time.Duration) (out []byte, err error) {
	for try := range 6 {
		if try > 0 {
			if err := r.Enter(ctx, ConnectLimit); err != nil {
				return nil, err
			}
			loaded = false
		}
		if !loaded {
			_, err = r.Exec(ctx, loader, AnswerLimit)
		}
		if loaded || err == nil {
			out, err = r.Exec(ctx, piece, limit)
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

// Start sends code and returns as soon as the board runs it.
func (r *REPL) Start(ctx context.Context, code string) error {
	err := r.start(ctx, code)
	if err != nil && !errors.Is(err, context.Canceled) {
		var transfer *port.TransferError
		if !errors.As(err, &transfer) {
			err = port.Failed("sending a program to "+r.Link.Name(), err)
		}
	}
	return err
}

func (r *REPL) start(ctx context.Context, code string) error {
	if !r.noPaste {
		ok, err := r.startPaste(ctx, code)
		if ok || err != nil {
			return err
		}
		r.noPaste = true
	}
	// Plain raw mode has no flow control: small pieces with pauses, as
	// mpremote sends them, so that a ring of 256 bytes does not overflow.
	for rest := ctrlC + code; len(rest) > 0; {
		n := min(len(rest), 128)
		if err := r.Link.Write(ctx, []byte(rest[:n])); err != nil {
			return err
		}
		rest = rest[n:]
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := r.Link.Write(ctx, []byte(ctrlD)); err != nil {
		return err
	}
	_, err := r.Link.WaitFor(ctx, AnswerLimit, "OK")
	return err
}

// AnswerLimit bounds what a board answers at once when it is at its prompt.
const AnswerLimit = 5 * time.Second

// windowLimit bounds how long a board takes until it asks for more of a program:
// longer means that the line has lost some of it.
const windowLimit = 2 * time.Second

// startPaste sends code in raw-paste mode; false without an error means that
// the firmware does not have it.
func (r *REPL) startPaste(ctx context.Context, code string) (bool, error) {
	l := r.Link
	if err := l.Write(ctx, []byte(ctrlC+"\x05A\x01")); err != nil {
		return false, err
	}
	yes := false
	err := l.Scan(ctx, AnswerLimit, func(b []byte) (int, bool) {
		for i := 0; i+1 < len(b); i++ {
			if b[i] == 'R' && b[i+1] <= 1 {
				yes = b[i+1] == 1
				return i + 2, true
			}
		}
		// Firmware before 1.14 takes it for a command and greets anew.
		if i := bytes.Index(b, []byte("w REPL; CTRL-B to exit\r\n>")); i >= 0 {
			return i + len("w REPL; CTRL-B to exit\r\n>"), true
		}
		return 0, false
	})
	if err != nil || !yes {
		return false, err
	}
	var size [2]byte
	if err := l.ReadFull(ctx, AnswerLimit, size[:]); err != nil {
		return false, err
	}
	window := int(size[0]) | int(size[1])<<8
	if window == 0 {
		return false, errors.New("the board offers a raw-paste window of 0 bytes")
	}
	credit, given := window, 0
	for rest := code; len(rest) > 0; {
		if credit == 0 || l.Pending() {
			aborted := false
			err := l.Scan(ctx, windowLimit, func(b []byte) (int, bool) {
				for i, c := range b {
					switch c {
					case 1:
						// The first comes at once, for a second window.
						if given++; given > 1 || !r.careful {
							credit += window
						}
					case 4:
						aborted = true
						return i + 1, true
					}
				}
				return len(b), credit > 0
			})
			if err != nil {
				return false, err
			}
			if aborted { // the error text follows, as after a run
				return true, l.Write(ctx, []byte(ctrlD))
			}
		}
		n := min(len(rest), credit)
		if r.careful {
			n = min(n, 32)
		}
		if err := l.Write(ctx, []byte(rest[:n])); err != nil {
			return false, err
		}
		rest, credit = rest[n:], credit-n
	}
	if err := l.Write(ctx, []byte(ctrlD)); err != nil {
		return false, err
	}
	_, err = l.WaitFor(ctx, AnswerLimit, ctrlD)
	return true, err
}

// Finish waits until the running program ends and returns what it printed.
func (r *REPL) Finish(ctx context.Context, limit time.Duration) ([]byte, error) {
	out, err := r.Link.WaitFor(ctx, limit, ctrlD)
	if err != nil {
		return nil, r.execError("waiting for the board's answer", err)
	}
	text, err := r.Link.WaitFor(ctx, AnswerLimit, ctrlD)
	if err != nil {
		return nil, r.execError("waiting for the board's answer", err)
	}
	if _, err := r.Link.WaitFor(ctx, AnswerLimit, ">"); err != nil {
		return nil, r.execError("waiting for the board's prompt", err)
	}
	out, text = bytes.TrimSuffix(out, []byte(ctrlD)), bytes.TrimSuffix(text, []byte(ctrlD))
	if len(text) > 0 {
		return out, &Error{string(text)}
	}
	return out, nil
}

func (r *REPL) execError(op string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return port.Failed(op, err)
}

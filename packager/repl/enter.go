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

// ConnectLimit bounds the wait for a prompt: a board that boots when its port
// is opened, and waits for a network in boot.py, takes a while.
const ConnectLimit = 20 * time.Second

// floodSize is more than what a program of ours may still wait for: the rest of a frame
// whose host died.
const floodSize = 20 << 10

// Enter brings the board to the raw REPL, whatever it is doing, within limit.
// Opening the port may have reset the board, and a program may be running, so
// it asks again and again, each time in another way. When two thirds of the limit are
// over there is nothing to lose any more: it fills up whatever the board may be waiting for,
// and tries twice at least after that.
func (r *REPL) Enter(ctx context.Context, limit time.Duration) error {
	r.Raw, r.loaded = false, false // it may have been reset
	end, flood, tries := time.Now().Add(limit), time.Now().Add(limit*2/3), 2
	flooded := r.Farewell == ""
	var seen []byte
	for try := 0; ; try++ {
		said, err := r.attempt(ctx, try)
		if err == nil {
			r.Raw = true
			return nil
		}
		if !errors.Is(err, port.ErrTimeout) {
			return connectError(r.Link, err)
		}
		seen = append(seen, said...)
		switch now := time.Now(); {
		case !flooded && now.After(flood):
			flooded = true
			if err := r.offer(ctx, strings.Repeat("\n", floodSize)); err != nil && !errors.Is(err, port.ErrTimeout) {
				return connectError(r.Link, err)
			}
		case flooded && tries > 0 && r.Farewell != "":
			tries--
		case now.After(end):
			return &port.TransferError{Op: "entering the raw REPL of " + r.Link.Name(),
				Err:  fmt.Errorf("%w within %v%s", port.ErrTimeout, limit.Round(time.Second/10), heard(seen)),
				Hint: "is it a MicroPython board, and is no other program using the port?"}
		}
	}
}

// attempt tries to enter once, and returns what the board said instead.
func (r *REPL) attempt(ctx context.Context, try int) (said []byte, err error) {
	if err := r.knock(ctx, try); err != nil {
		return nil, err
	}
	// A program needs a moment to end; a prompt answers at once.
	said, err = r.Link.Drain(ctx, 20*time.Millisecond, 200*time.Millisecond)
	if err != nil {
		return said, err
	}
	if err := r.offer(ctx, "\r"+ctrlA); err != nil {
		return said, err
	}
	wait := min(time.Duration(try+1)*300*time.Millisecond, 2*time.Second)
	more, err := r.Link.WaitFor(ctx, wait, Banner)
	return append(said, more...), err
}

// knock interrupts what the board is doing, in one of several ways. All are short:
// a program that reads nothing lets its receive ring fill up, and behind a full one
// no Ctrl-C is heard.
func (r *REPL) knock(ctx context.Context, try int) error {
	switch {
	case try == 0:
		return r.offer(ctx, "\r"+ctrlC+ctrlC)
	case try%3 == 2:
		return r.burst(ctx)
	case try%2 == 1: // also out of a raw REPL that another tool left behind
		return r.offer(ctx, "\r"+r.Farewell+ctrlB+ctrlC)
	}
	return r.offer(ctx, "\r"+r.Farewell+ctrlC+ctrlC)
}

// offerLimit bounds how long a board may take for a few bytes. One that hangs
// takes none, and its driver waits.
const offerLimit = time.Second

// offer sends what may never be taken.
func (r *REPL) offer(ctx context.Context, text string) error {
	return r.Link.Offer(ctx, []byte(text), offerLimit)
}

// burst is for a program that catches the KeyboardInterrupt and goes on: of many
// at changing intervals, one comes while it deals with the one before.
func (r *REPL) burst(ctx context.Context) error {
	const many = 60
	for i := range many {
		if err := r.offer(ctx, ctrlC); err != nil {
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
	var worded *port.TransferError
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &worded) {
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
	r.loaded = false
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

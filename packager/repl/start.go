package repl

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"time"

	"rules_romfs/packager/port"
)

// AnswerLimit bounds what a board answers at once when it is at its prompt.
const AnswerLimit = 5 * time.Second

// Start sends code and returns as soon as the board runs it.
func (r *REPL) Start(ctx context.Context, code string) error {
	r.Raw = false
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

// windowLimit bounds how long a board takes until it asks for more of a program:
// longer means that the line has lost some of it.
const windowLimit = 2 * time.Second

// pasteOn asks for raw-paste mode; what answers begin with "R" says is whether the
// firmware has it.
const pasteOn = ctrlC + "\x05A\x01"

// A paste is a program on its way in raw-paste mode: the board grants windows of
// bytes, and nothing is sent beyond them.
type paste struct {
	r      *REPL
	window int // bytes of each grant
	credit int // bytes that may be sent
	given  int // grants
}

// startPaste sends code in raw-paste mode; false without an error means that
// the firmware does not have it.
func (r *REPL) startPaste(ctx context.Context, code string) (bool, error) {
	window, err := r.offerPaste(ctx)
	if err != nil || window == 0 {
		return false, err
	}
	p := &paste{r: r, window: window, credit: window}
	for rest := code; len(rest) > 0; {
		aborted, err := p.await(ctx)
		if err != nil {
			return false, err
		}
		if aborted { // the error text follows, as after a run
			return true, r.Link.Write(ctx, []byte(ctrlD))
		}
		n := p.piece(len(rest))
		if err := r.Link.Write(ctx, []byte(rest[:n])); err != nil {
			return false, err
		}
		rest, p.credit = rest[n:], p.credit-n
	}
	if err := r.Link.Write(ctx, []byte(ctrlD)); err != nil {
		return false, err
	}
	_, err = r.Link.WaitFor(ctx, AnswerLimit, ctrlD)
	return true, err
}

// offerPaste returns the window of raw-paste mode, 0 without that mode.
func (r *REPL) offerPaste(ctx context.Context) (window int, err error) {
	if err := r.Link.Write(ctx, []byte(pasteOn)); err != nil {
		return 0, err
	}
	yes := false
	err = r.Link.Scan(ctx, AnswerLimit, func(b []byte) (n int, done bool) {
		n, yes, done = pasteOffer(b)
		return n, done
	})
	if err != nil || !yes {
		return 0, err
	}
	var size [2]byte
	if err := r.Link.ReadFull(ctx, AnswerLimit, size[:]); err != nil {
		return 0, err
	}
	if window = int(binary.LittleEndian.Uint16(size[:])); window == 0 {
		return 0, errors.New("the board offers a raw-paste window of 0 bytes")
	}
	return window, nil
}

// pasteOffer looks in b for the answer to pasteOn, and returns how far it goes
// and whether it is a yes.
func pasteOffer(b []byte) (n int, yes, found bool) {
	for i := 0; i+1 < len(b); i++ {
		if b[i] == 'R' && b[i+1] <= 1 {
			return i + 2, b[i+1] == 1, true
		}
	}
	// Firmware before 1.14 takes it for a command and greets anew.
	greeting := Banner[2:] // should the line lose its first bytes
	if i := bytes.Index(b, []byte(greeting)); i >= 0 {
		return i + len(greeting), false, true
	}
	return 0, false, false
}

// await waits until more may be sent. The board may give the program up.
func (p *paste) await(ctx context.Context) (aborted bool, err error) {
	if p.credit > 0 && !p.r.Link.Pending() {
		return false, nil
	}
	err = p.r.Link.Scan(ctx, windowLimit, func(b []byte) (int, bool) {
		for i, c := range b {
			switch c {
			case 1:
				p.grant()
			case 4:
				aborted = true
				return i + 1, true
			}
		}
		return len(b), p.credit > 0
	})
	return aborted, err
}

// grant adds a window. The first grant comes at once, for a second window, which
// a careful sender leaves alone.
func (p *paste) grant() {
	if p.given++; p.given > 1 || !p.r.careful {
		p.credit += p.window
	}
}

// piece is how many of n bytes to send now.
func (p *paste) piece(n int) int {
	n = min(n, p.credit)
	if p.r.careful {
		n = min(n, 32)
	}
	return n
}

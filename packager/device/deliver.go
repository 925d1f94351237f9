package device

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"rules_romfs/packager/port"
)

// maxTries bounds how often one frame is sent.
const maxTries = 10

// maxSilent bounds how often a frame is sent to a board that says nothing: its
// program may have ended, and the line have swallowed the sign of it.
const maxSilent = 3

// maxSilence bounds how long it is sent again to such a board: it may have been
// reset, and run its own program.
const maxSilence = 5 * time.Second

// ErrSilent is what a port.TransferError wraps when the board no longer takes
// frames. A new start may help.
var ErrSilent = errors.New("the board takes no more frames")

// pieceSize is how much of a frame the board reads at once.
const pieceSize = 64

// filler completes what the board is still waiting for after bytes were lost. A line end is
// no part of any frame.
var filler = bytes.Repeat([]byte{'\n'}, pieceSize)

// fillLimit is how long the board may take to give up a frame that was filled up: it
// does after a second of silence.
const fillLimit = 2500 * time.Millisecond

// A delivery is one frame on its way to the board and its answer on the way back.
type delivery struct {
	*session
	frame []byte        // nil: there is none, but the answer with seq is still to come
	seq   byte          // of the frame, and of the answer
	limit time.Duration // of the command's own work

	begin  time.Time // of the first try
	silent int       // tries to which the board said nothing at all

	// Of the try at hand.
	try     int
	start   time.Time
	end     time.Time // when to give it up
	arrived bool      // the board has said so; or it is taken to have it
	filled  bool      // the filler was sent
	poke    time.Time // when to ask for an answer that came damaged; zero: it did not
	pause   time.Duration
}

// A step is what to do after something was heard, or nothing.
type step int

const (
	goOn      step = iota // listening
	sendAgain             // this try has failed
	answered              // it is what was waited for
)

// deliver sends a frame until the board has it, then waits for the answer to it.
// Without a frame it waits for the answer with seq. limit bounds the command's
// own work; all the rest takes no longer than maxTries frames do to arrive, and
// three seconds each.
func (s *session) deliver(ctx context.Context, frame []byte, seq byte, limit time.Duration) (answer, error) {
	d := &delivery{session: s, frame: frame, seq: seq, limit: limit, begin: time.Now()}
	for d.try = range maxTries {
		if d.try > 0 {
			s.Retries++
		}
		sent, err := d.send(ctx)
		if err != nil {
			return answer{}, err
		}
		if !sent && time.Now().After(d.end) {
			break
		}
		a, ok, err := d.listen(ctx)
		if ok || err != nil {
			return a, err
		}
	}
	return answer{}, port.Failed("sending to "+s.repl.Link.Name(), fmt.Errorf("%w: %w", ErrSilent, port.ErrTimeout))
}

// send begins a try. A board that says nothing may have taken the frame, its receipt be
// lost, and its flash busy: then nothing is sent, as only the end of the work shows.
func (d *delivery) send(ctx context.Context) (sent bool, err error) {
	d.start, d.filled, d.poke, d.pause = time.Now(), false, time.Time{}, 500*time.Millisecond
	d.silent++
	if d.frame == nil || d.silent > maxSilent || d.silent > 1 && time.Since(d.begin) > maxSilence {
		d.arrived, d.end = true, d.begin.Add(d.limit)
		return false, nil
	}
	d.midst = true
	if err := d.repl.Link.Write(ctx, d.frame); err != nil {
		return false, err
	}
	d.arrived, d.end = false, d.start.Add(d.arrival(len(d.frame)))
	return true, nil
}

// listen waits for what the board says to a try.
func (d *delivery) listen(ctx context.Context) (a answer, ok bool, err error) {
	for {
		e, err := d.next(ctx, time.Until(d.until()))
		next := goOn
		switch {
		case errors.Is(err, port.ErrTimeout):
			next, err = d.nothing(ctx)
		case err != nil:
			err = d.failed(err)
		default:
			d.silent = 0
			next, err = d.heard(e)
		}
		if err != nil || next != goOn {
			return e.answer, next == answered, err
		}
	}
}

// until is when to do something if nothing is heard.
func (d *delivery) until() time.Time {
	if !d.poke.IsZero() && d.poke.Before(d.end) {
		return d.poke
	}
	return d.end
}

// nothing was heard for long enough.
func (d *delivery) nothing(ctx context.Context) (step, error) {
	l := d.repl.Link
	switch {
	case d.until() != d.end:
		// The board repeats its answer to a frame that it knows. This
		// one is so short that it fits every receive ring, should
		// flash be busy.
		d.pause *= 2
		d.poke = time.Time{}
		return goOn, l.Write(ctx, encodeFrame(d.check, nil, 'k', d.seq, nil))
	case d.arrived:
		return goOn, d.failed(port.ErrTimeout)
	case d.filled:
		return sendAgain, nil
	}
	err := l.Write(ctx, filler)
	d.filled, d.end = true, time.Now().Add(fillLimit)
	return goOn, err
}

// heard decides what an event means for the frame.
func (d *delivery) heard(e event) (step, error) {
	name := d.repl.Link.Name()
	switch {
	case e.sign != nil:
		return goOn, port.Failed("talking to "+name, e.sign)
	case e.damaged:
		if d.arrived && d.poke.IsZero() {
			d.poke = time.Now().Add(d.pause)
		}
	case e.receipt:
		if !d.arrived && e.seq == d.seq {
			d.measured(len(d.frame), time.Since(d.start))
			d.arrived, d.end = true, time.Now().Add(d.limit)
		}
	case e.kind == '?' && d.frame != nil:
		if e.seq == d.seq-1 && (d.filled || d.try > 0) && len(d.frame) > 2*minFrame {
			return goOn, port.Failed("sending to "+name, errDamaged)
		}
		return sendAgain, nil
	case e.kind == 'm' && d.frame != nil:
		if e.seq == d.seq-1 {
			return goOn, port.Failed("sending to "+name, errTooLarge)
		}
	case e.kind != '?' && e.seq == d.seq:
		d.midst = false
		return answered, nil
	}
	return goOn, nil
}

// slowest and fastest bound what one byte is taken to need to the board: 9600
// baud, and what no program in Python outruns.
const (
	slowest = time.Millisecond
	fastest = 20 * time.Microsecond
)

// measured learns from a frame of n bytes that arrived after t. Of short
// frames, most of t is not the line's, so they only show that it is faster;
// and one that was held up does not make the line a slow one.
func (s *session) measured(n int, t time.Duration) {
	pace := t / time.Duration(n)
	if n < 512 {
		pace = min(pace, s.pace)
	}
	s.pace = min(max(pace, fastest), 2*s.pace, slowest)
	s.last = t
}

// arrival is how long a frame of n bytes may take to the board: four times
// what those before it took, and time for the line's latency.
func (s *session) arrival(n int) time.Duration {
	latency := 500 * time.Millisecond
	if s.last > 0 {
		latency = min(latency, max(8*s.last, latency/5))
	}
	return latency + 4*time.Duration(n)*s.pace
}

// failed words why listening ended.
func (s *session) failed(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return port.Failed("waiting for "+s.repl.Link.Name(), err)
}

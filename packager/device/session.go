package device

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"rules_romfs/packager/port"
	"rules_romfs/packager/repl"
)

// A Session is a board that runs this package's program (program/link.py) and
// answers frames. It is not safe for concurrent use.
type Session struct {
	repl  *repl.REPL
	check checksum
	runs  bool      // the program: serve has started it
	z     *deflater // nil: the firmware cannot inflate
	chunk int       // largest decoded payload that the board has memory for
	frame int       // largest part of a payload in one frame; smaller on lines that lose bytes
	good  int       // frames in a row that arrived at once
	seq   byte
	pace  time.Duration // that one byte to the board takes, rather too much than too little
	last  time.Duration // that the last frame took to arrive; 0: there was none

	// Retries counts frames that had to be sent again.
	Retries int
}

// ErrEnded is what a TransferError wraps when the program on the board ended
// by itself: it was interrupted, by a person or by a damaged byte.
var ErrEnded = errors.New("the program on the board was interrupted")

// A BoardError is an exception that a command on the board ended with.
type BoardError struct{ Message string }

func (e *BoardError) Error() string { return e.Message }

// OutOfMemory tells whether the command ended for want of memory.
func (e *BoardError) OutOfMemory() bool { return strings.HasPrefix(e.Message, "MemoryError") }

// memoryStep is one size of frames, and what it takes to use it.
type memoryStep struct {
	largest int // bytes of the board's largest free block
	chunk   int // bytes of decoded payload
}

// memorySteps: inflating costs 1.4 KB and the window; a frame costs up to
// three times its size while it is decoded. (Measured, and much rounded.)
// The largest halves what waiting for answers costs on USB, where a frame of
// 4 KB travels hardly longer than its answer; a larger one would delay the
// signs of progress on slow lines.
var memorySteps = []memoryStep{
	{512 << 10, 16384 + 256},
	{96 << 10, 4096 + 256},
	{40 << 10, 2048},
	{20 << 10, 1024},
	{inflating, 512},
	{0, 256},
}

// inflating is how large the board's largest free block must be, in bytes, for
// frames to be deflated: the inflater takes 1.3 KB in one piece besides its window.
const inflating = 12 << 10

// StartSession sends the program and starts it. On a board with little memory it
// is not started yet: Load still has all of the heap, and serve follows. buffer
// is how many bytes of the heap are needed for something else.
func StartSession(ctx context.Context, r *repl.REPL, info *Info, buffer int) (*Session, error) {
	largest := info.Largest - buffer
	s := &Session{repl: r, check: checkAdler, pace: slowest}
	switch {
	case info.Has.CRC32:
		s.check = checkCRC
	case info.Has.SHA256:
		s.check = checkSHA
	}
	if info.Has.Deflate && largest >= inflating {
		s.z = new(deflater)
	}
	for _, step := range memorySteps {
		if largest >= step.largest {
			s.chunk = step.chunk
			break
		}
	}
	s.frame = s.chunk
	if _, err := r.Run(ctx, s.program(), repl.AnswerLimit); err != nil {
		return nil, err
	}
	if r.Small {
		return s, nil
	}
	return s, s.serve(ctx)
}

// serve starts the program, unless it runs.
func (s *Session) serve(ctx context.Context) error {
	if s.runs {
		return nil
	}
	if err := s.repl.Start(ctx, "_main()\n"); err != nil {
		return err
	}
	return s.greet(ctx)
}

// program is what the board has to run before _main().
func (s *Session) program() string { return s.check.source + repl.Shrink(linkSource) }

// greet waits for the program's first answer and sets it up.
func (s *Session) greet(ctx context.Context) error {
	if _, err := s.wait(ctx, nil, 0, repl.AnswerLimit); err != nil {
		return err
	}
	s.runs = true
	return s.setWindow(ctx)
}

// Chunk returns the largest payload in bytes that a frame may carry now.
func (s *Session) Chunk() int { return s.chunk }

func (s *Session) setWindow(ctx context.Context) error {
	wbits := 8
	for 1<<wbits < s.chunk {
		wbits++
	}
	z := s.z
	s.z = nil
	s.frame = s.chunk
	_, err := s.Call(ctx, 'x', fmt.Appendf(nil, "_wb=%d", wbits), repl.AnswerLimit)
	s.z = z
	return err
}

// Shrink makes frames smaller, after the board ran out of memory. It returns
// false when they are at their smallest.
func (s *Session) Shrink(ctx context.Context) (bool, error) {
	if s.chunk <= 256 {
		if s.z == nil {
			return false, nil
		}
		s.z = nil
		return true, nil
	}
	s.chunk = max(256, s.chunk/2)
	return true, s.setWindow(ctx)
}

// Load sends more program for the board to run.
func (s *Session) Load(ctx context.Context, source string) error {
	if !s.runs {
		_, err := s.repl.Run(ctx, source, repl.AnswerLimit)
		return err
	}
	for _, piece := range repl.Pieces(source, max(200, s.chunk-64)) {
		if _, err := s.Call(ctx, 'x', []byte(piece), repl.AnswerLimit); err != nil {
			return fmt.Errorf("loading the program: %w", err)
		}
	}
	return nil
}

// maxTries bounds how often one frame is sent.
const maxTries = 10

// maxSilent bounds how often a frame is sent to a board that says nothing: its
// program may have ended, and the line have swallowed the sign of it.
const maxSilent = 3

// ErrSilent is what a TransferError wraps when the board no longer takes
// frames. A new start may help.
var ErrSilent = errors.New("the board takes no more frames")

// minFrame is the smallest part of a payload that is tried: a frame of it fits
// the smallest receive rings (128 bytes on samd).
const minFrame = 64

// errDamaged is what a frame ends with that did not arrive although it was
// sent several times.
var errDamaged = errors.New("the line loses or changes bytes")

// Call sends one command and returns the board's answer. limit bounds the
// work itself. An exception of the command is a *BoardError.
//
// A payload travels in as many frames as it takes, all but the last of kind
// "a", which the board puts together. Their size follows what the line bears.
func (s *Session) Call(ctx context.Context, kind byte, payload []byte, limit time.Duration) ([]byte, error) {
	for done := 0; ; {
		n := min(len(payload)-done, s.frame)
		k := kind
		if done+n < len(payload) {
			k = 'a'
		}
		s.seq++
		a, err := s.wait(ctx, encodeFrame(s.check, s.z, k, s.seq, payload[done:done+n]), s.seq, limit)
		if errors.Is(err, errDamaged) {
			// The board is certain not to have taken it, so its number is free.
			s.seq--
			s.frame, s.good = max(minFrame, min(s.frame, n)/2), 0
			continue
		}
		if err != nil {
			return nil, err
		}
		if s.good++; s.good >= 32 && s.frame < s.chunk {
			s.frame, s.good = min(s.chunk, 2*s.frame), 0
		}
		if a.kind == '!' {
			return nil, &BoardError{string(a.body)}
		}
		if k != 'a' {
			return a.body, nil
		}
		done += n
		if string(a.body) != strconv.Itoa(done) {
			return nil, port.Failed("sending to "+s.repl.Link.Name(), fmt.Errorf("%w: it has %q of %d bytes", ErrEnded, a.body, done))
		}
	}
}

// filler completes what the board is still waiting for after bytes were lost:
// it reads pieces of at most 64 bytes. A line end is no part of any frame.
var filler = bytes.Repeat([]byte{'\n'}, 64)

// wait sends a frame until the board has it, then waits for the answer to it.
// Without a frame it waits for the answer with seq. limit bounds the command's
// own work; all the rest takes no longer than maxTries frames do to arrive, and
// three seconds each.
func (s *Session) wait(ctx context.Context, frame []byte, seq byte, limit time.Duration) (answer, error) {
	l := s.repl.Link
	silent := 0 // tries to which the board said nothing at all
	begin := time.Now()
	for try := range maxTries {
		if try > 0 {
			s.Retries++
		}
		start := time.Now()
		// A board that says nothing may have taken the frame, its receipt be
		// lost, and its flash busy: then only the end of the work shows.
		arrived, end := true, begin.Add(limit)
		if frame != nil && silent < maxSilent {
			if err := l.Write(ctx, frame); err != nil {
				return answer{}, err
			}
			arrived, end = false, start.Add(s.arrival(len(frame)))
		} else if time.Now().After(end) {
			break
		}
		silent++
		filled := false
		poke := time.Time{} // when to ask for an answer that came damaged
		pause := 500 * time.Millisecond
	listen:
		for {
			until := end
			if !poke.IsZero() && poke.Before(end) {
				until = poke
			}
			e, err := s.next(ctx, time.Until(until))
			switch {
			case errors.Is(err, port.ErrTimeout) && until != end:
				// The board repeats its answer to a frame that it knows. This
				// one is so short that it fits every receive ring, should
				// flash be busy.
				if err := l.Write(ctx, encodeFrame(s.check, nil, 'k', seq, nil)); err != nil {
					return answer{}, err
				}
				pause *= 2
				poke = time.Time{}
				continue
			case errors.Is(err, port.ErrTimeout) && !arrived && !filled:
				if err := l.Write(ctx, filler); err != nil {
					return answer{}, err
				}
				// The board gives up a frame after a second of silence.
				filled, end = true, time.Now().Add(2500*time.Millisecond)
				continue
			case errors.Is(err, port.ErrTimeout) && !arrived:
				break listen
			case err != nil:
				return answer{}, s.failed(err)
			}
			silent = 0
			switch {
			case e.sign != nil:
				return answer{}, port.Failed("talking to "+l.Name(), e.sign)
			case e.damaged:
				if arrived && poke.IsZero() {
					poke = time.Now().Add(pause)
				}
			case e.receipt:
				if !arrived {
					s.measured(len(frame), time.Since(start))
					arrived, end = true, time.Now().Add(limit)
				}
			case e.kind == '?' && frame != nil:
				if e.seq == seq-1 && (filled || try > 0) && len(frame) > 2*minFrame {
					return answer{}, port.Failed("sending to "+l.Name(), errDamaged)
				}
				break listen
			case e.kind != '?' && e.seq == seq:
				return e.answer, nil
			}
		}
	}
	return answer{}, port.Failed("sending to "+l.Name(), fmt.Errorf("%w: %w", ErrSilent, port.ErrTimeout))
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
func (s *Session) measured(n int, t time.Duration) {
	pace := t / time.Duration(n)
	if n < 512 {
		pace = min(pace, s.pace)
	}
	s.pace = min(max(pace, fastest), 2*s.pace, slowest)
	s.last = t
}

// arrival is how long a frame of n bytes may take to the board: four times
// what those before it took, and time for the line's latency.
func (s *Session) arrival(n int) time.Duration {
	latency := 500 * time.Millisecond
	if s.last > 0 {
		latency = min(latency, max(8*s.last, latency/5))
	}
	return latency + 4*time.Duration(n)*s.pace
}

// failed words why listening ended.
func (s *Session) failed(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return port.Failed("waiting for "+s.repl.Link.Name(), err)
}

// An event is one thing that a board said.
type event struct {
	answer
	receipt bool  // "+": the frame is there
	damaged bool  // something that may have been an answer, or an unknown text
	sign    error // our program no longer runs
}

// signs are what a board prints when it no longer runs our program. There is
// more than one of each, since the line may damage some.
var signs = []struct {
	text string
	err  error
}{
	{"soft reboot\r\n", repl.ErrReset},
	{"Type \"help()\" for more information.", repl.ErrReset},
	{repl.Banner, repl.ErrReset},
	{"\x04\x04", ErrEnded},
	{"\x04>", ErrEnded},
}

// stall is how long the rest of an answer may be in coming before what there is
// of it counts as damaged: boards send an answer in one go.
const stall = 300 * time.Millisecond

// next returns the next event. Everything else that a board prints, as
// threads of its own may, is noise and dropped.
func (s *Session) next(ctx context.Context, limit time.Duration) (event, error) {
	var e event
	l := s.repl.Link
	err := l.ScanStall(ctx, max(limit, 0), stall, func(b []byte) (int, bool) {
		var n int
		var done bool
		e, n, done = findEvent(s.check, b)
		return n, done
	})
	if errors.Is(err, port.ErrTimeout) && l.Skip() {
		// The beginning of an answer without its end.
		return event{damaged: true}, nil
	}
	return e, err
}

// findEvent returns the first event in b and how many bytes it and the noise
// before it take. Without an event, the bytes not taken may begin one.
func findEvent(c checksum, b []byte) (e event, n int, ok bool) {
	noise := false
	for i := range b {
		switch b[i] {
		case '+':
			return event{receipt: true}, i + 1, true
		case '~':
			a, size, state := parseAnswer(c, b[i:])
			switch state {
			case whole:
				return event{answer: a}, i + size, true
			case partial:
				// Unless its length is damaged: then the same answer may come
				// again behind it.
				if a, end := laterAnswer(c, b[i:]); end > 0 {
					return event{answer: a}, i + end, true
				}
				return event{damaged: noise}, i, noise
			}
			return event{damaged: true}, i + 1, true
		}
		for _, sign := range signs {
			if rest := b[i:]; len(rest) >= len(sign.text) {
				if string(rest[:len(sign.text)]) == sign.text {
					return event{sign: sign.err}, i + len(sign.text), true
				}
			} else if sign.text[:len(rest)] == string(rest) {
				return event{damaged: noise}, i, noise
			}
		}
		noise = noise || b[i] != '\r' && b[i] != '\n'
	}
	return event{damaged: noise}, len(b), noise
}

// laterAnswer returns the first whole answer in b behind its first byte, and
// where it ends; 0 if there is none.
func laterAnswer(c checksum, b []byte) (answer, int) {
	for i := 1; i < len(b); i++ {
		next := bytes.IndexByte(b[i:], '~')
		if next < 0 {
			break
		}
		i += next
		if a, size, state := parseAnswer(c, b[i:]); state == whole {
			return a, i + size
		}
	}
	return answer{}, 0
}

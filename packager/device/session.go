package device

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rules_romfs/packager/port"
	"rules_romfs/packager/repl"
)

// A session is a board that runs this package's program (program/link.py) and
// answers frames. It is not safe for concurrent use.
type session struct {
	repl  *repl.REPL
	check checksum
	runs  bool      // the program: serve has started it
	midst bool      // it may still wait for the rest of a frame
	z     *deflater // nil: the firmware cannot inflate, or has no memory for it
	chunk int       // largest decoded payload that the board has memory for
	frame int       // largest part of a payload in one frame; smaller on lines that lose bytes
	most  int       // what frame may grow to: what the board turned out to have memory for
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

// memorySteps: inflating costs 1.4 KB and the window, which is as large as the frame; a
// frame costs up to three times its size while it is decoded. (Measured, and much rounded.)
// The largest halves what waiting for answers costs on USB, where a frame of
// 4 KB travels hardly longer than its answer; a larger one would delay the
// signs of progress on slow lines.
var memorySteps = []memoryStep{
	{512 << 10, 16384},
	{96 << 10, 4096},
	{40 << 10, 2048},
	{20 << 10, 1024},
	{inflating, 512},
	{0, 256},
}

// inflating is how large the board's largest free block must be, in bytes, for
// frames to be deflated: the inflater takes 1.3 KB in one piece besides its window.
const inflating = 12 << 10

// startSession sends the program and starts it. On a board with little memory it
// is not started yet: Load still has all of the heap, and serve follows. buffer
// is how many bytes of the heap are needed for something else.
func startSession(ctx context.Context, r *repl.REPL, info *Info, buffer int) (*session, error) {
	largest := info.Largest - buffer
	s := &session{repl: r, check: info.Has.checksum(), pace: slowest}
	if info.Has.Deflate && largest >= inflating {
		s.z = new(deflater)
	}
	for _, step := range memorySteps {
		if largest >= step.largest {
			s.chunk = step.chunk
			break
		}
	}
	s.frame, s.most = s.chunk, s.chunk
	if _, err := r.Run(ctx, s.program(), repl.AnswerLimit); err != nil {
		return nil, err
	}
	if r.Small {
		return s, nil
	}
	return s, s.serve(ctx)
}

// serve starts the program, unless it runs.
func (s *session) serve(ctx context.Context) error {
	if s.runs {
		return nil
	}
	if err := s.repl.Start(ctx, "_own['_main']()\n"); err != nil {
		return err
	}
	return s.greet(ctx)
}

// program is what the board has to run before _main().
func (s *session) program() string {
	inflate := "inflate"
	if s.z == nil {
		inflate = "no_inflate"
	}
	return program(nil, slices.Concat([]string{"built_in"}, s.check.files, []string{inflate, "link"})...)
}

// greet waits for the program's first answer.
func (s *session) greet(ctx context.Context) error {
	_, err := s.deliver(ctx, nil, 0, repl.AnswerLimit)
	s.runs = err == nil
	return err
}

// farewell is what makes the program on the board end, whoever started it: firmware
// that takes no Ctrl-C while a program runs can be freed by nothing else.
const farewell = "~leave the program now"

// quit ends the program, back to the raw REPL.
func (s *session) quit(ctx context.Context, limit time.Duration) error {
	var err error
	for range 3 {
		last := []byte(farewell)
		if s.midst {
			last = slices.Concat(filler, last)
		}
		s.midst = true
		if err := s.repl.Link.Write(ctx, last); err != nil {
			return err
		}
		_, err = s.repl.Finish(ctx, limit/3)
		var raised *repl.Error
		if err == nil || errors.As(err, &raised) {
			return nil
		}
	}
	return err
}

// Chunk returns the largest payload in bytes that a command may have.
func (s *session) Chunk() int { return s.chunk }

// Load sends more program for the board to run.
func (s *session) Load(ctx context.Context, source string) error {
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

// minFrame is the smallest part of a payload that is tried: a frame of it fits
// the smallest receive rings (128 bytes on samd).
const minFrame = 64

// errDamaged is what a frame ends with that did not arrive although it was
// sent several times, errTooLarge one that the board had no memory for. It has taken
// neither.
var (
	errDamaged  = errors.New("the line loses or changes bytes")
	errTooLarge = errors.New("the board has no memory for a frame")
)

// Call sends one command and returns the board's answer. limit bounds the
// work itself. An exception of the command is a *BoardError.
//
// A payload travels in as many frames as it takes, all but the last of kind
// "a", which the board puts together. Their size follows what the line bears.
func (s *session) Call(ctx context.Context, kind byte, payload []byte, limit time.Duration) ([]byte, error) {
	for done := 0; ; {
		n := min(len(payload)-done, s.frame)
		k := kind
		if done+n < len(payload) {
			k = 'a'
		}
		s.seq++
		a, err := s.deliver(ctx, encodeFrame(s.check, s.z, k, s.seq, payload[done:done+n]), s.seq, limit)
		if s.smaller(err, n) {
			s.seq-- // the board is certain not to have taken it, so its number is free
			continue
		}
		if errors.Is(err, errTooLarge) {
			return nil, &BoardError{"MemoryError: " + errTooLarge.Error()}
		}
		if err != nil {
			return nil, err
		}
		if s.good++; s.good >= 32 && s.frame < s.most {
			s.frame, s.good = min(s.most, 2*s.frame), 0
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

// smaller makes frames smaller after one of n bytes of a payload was not taken, and tells
// whether that is to be tried.
func (s *session) smaller(err error, n int) bool {
	switch {
	case errors.Is(err, errDamaged):
		s.frame, s.good = max(minFrame, min(s.frame, n)/2), 0
		return true
	case !errors.Is(err, errTooLarge):
		return false
	case n > 512 || s.z == nil && n > minFrame:
		s.frame, s.good = max(minFrame, n/2), 0
		s.most = s.frame
		return true
	case s.z != nil:
		s.z = nil // inflating takes more than the frame
		return true
	}
	return false
}

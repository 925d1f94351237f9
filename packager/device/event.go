package device

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"time"

	"rules_romfs/packager/port"
	"rules_romfs/packager/repl"
)

// An event is one thing that a board said.
type event struct {
	answer
	receipt bool  // "+" and its number: the frame is there
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
func (s *session) next(ctx context.Context, limit time.Duration) (event, error) {
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
			seq, size, state := parseReceipt(b[i:])
			switch state {
			case whole:
				return event{receipt: true, answer: answer{seq: seq}}, i + size, true
			case partial:
				return event{damaged: noise}, i, noise
			}
			noise = true
			continue
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
		switch size, state, sign := findSign(b[i:]); state {
		case whole:
			return event{sign: sign}, i + size, true
		case partial:
			return event{damaged: noise}, i, noise
		}
		noise = noise || b[i] != '\r' && b[i] != '\n'
	}
	return event{damaged: noise}, len(b), noise
}

// findSign tells whether b begins with a sign, or may.
func findSign(b []byte) (size, state int, sign error) {
	for _, sign := range signs {
		n := min(len(b), len(sign.text))
		switch {
		case string(b[:n]) != sign.text[:n]:
		case n == len(sign.text):
			return n, whole, sign.err
		default:
			return 0, partial, nil
		}
	}
	return 0, broken, nil
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

// parseReceipt reads the receipt that begins with the "+" at b[0]. Any other "+" is noise.
func parseReceipt(b []byte) (seq byte, size, state int) {
	const length = len("+00")
	if len(b) < length {
		return 0, 0, partial
	}
	n, err := strconv.ParseUint(string(b[1:length]), 16, 8)
	if err != nil {
		return 0, 0, broken
	}
	return byte(n), length, whole
}

package device

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rules_romfs/packager/port"
	"rules_romfs/packager/repl"
)

// A scripted board answers frames as link.py does, but says what its line makes
// of it. These tests run on a clock of their own: what they measure does not
// depend on the machine.
type scripted struct {
	net.Conn
	in    *bufio.Reader
	check checksum
	line  func(n int, said []byte) []byte // what arrives of the nth thing said
	said  int
}

// frame reads the next frame.
func (b *scripted) frame() (kind, seq byte, err error) {
	for {
		c, err := b.in.ReadByte()
		if err != nil {
			return 0, 0, err
		}
		if c != '~' {
			continue
		}
		var head [21]byte
		if _, err := io.ReadFull(b.in, head[:]); err != nil {
			return 0, 0, err
		}
		n, err := strconv.ParseUint(string(head[1:3]), 16, 8)
		if err != nil {
			return 0, 0, err
		}
		size, err := strconv.ParseUint(string(head[3:7]), 16, 16)
		if err != nil {
			return 0, 0, err
		}
		_, err = b.in.Discard(int(size))
		return head[0], byte(n), err
	}
}

func (b *scripted) say(text string) error {
	b.said++
	out := b.line(b.said, []byte(text))
	if len(out) == 0 {
		return nil
	}
	_, err := b.Write(out)
	return err
}

func (b *scripted) serve() {
	for {
		kind, seq, err := b.frame()
		if err != nil {
			return
		}
		receipt := ""
		if kind != 'k' {
			receipt = fmt.Sprintf("+%02x", seq)
		}
		body := fmt.Sprintf("answer %d", seq)
		head := fmt.Sprintf("=%02x%04x", seq, len(body))
		if b.say(fmt.Sprintf("%s\n~%s%08x%s\n", receipt, head, b.check.sum([]byte(head), []byte(body)), body)) != nil {
			return
		}
	}
}

// called tells how long a command takes over a line.
func called(t *testing.T, limit time.Duration, line func(n int, said []byte) []byte) (took time.Duration, err error) {
	synctest.Test(t, func(t *testing.T) {
		host, board := net.Pipe()
		b := &scripted{Conn: board, in: bufio.NewReader(board), check: checkCRC, line: line}
		go b.serve()
		l := port.New("the board", host)
		defer l.Close()
		s := &session{repl: &repl.REPL{Link: l}, check: checkCRC, chunk: 1024, frame: 1024, most: 1024, pace: time.Millisecond}
		start := time.Now()
		var got []byte
		got, err = s.Call(context.Background(), 'x', []byte("command"), limit)
		took = time.Since(start)
		if err == nil && string(got) != "answer 1" {
			t.Errorf("the answer is %q", got)
		}
		l.Close()
		board.Close()
	})
	return took, err
}

// TestDamagedAnswer damages one byte of an answer in every way. The command may
// take minutes, but it is soon asked again what came of it.
func TestDamagedAnswer(t *testing.T) {
	t.Parallel()
	const whole = len("+01\n~=010008") + 8 + len("answer 1\n")
	damages := map[string]func(b []byte, at int) []byte{
		"lost":    func(b []byte, at int) []byte { return slices.Delete(b, at, at+1) },
		"doubled": func(b []byte, at int) []byte { return slices.Insert(b, at, b[at]) },
	}
	for bit := range 8 {
		damages[fmt.Sprintf("bit %d", bit)] = func(b []byte, at int) []byte { b[at] ^= 1 << bit; return b }
	}
	var worst time.Duration
	for name, damage := range damages {
		for at := range whole {
			took, err := called(t, 10*time.Minute, func(n int, said []byte) []byte {
				if n > 1 {
					return said
				}
				if len(said) != whole {
					t.Fatalf("the answer has %d bytes", len(said))
				}
				return damage(said, at)
			})
			if worst = max(worst, took); err != nil || took > 5*time.Second {
				t.Errorf("%s at byte %d: %v after %v", name, at, err, took)
			}
		}
	}
	t.Logf("at most %v", worst)
}

// TestEveryWaitEnds has boards that never answer, each in its own way.
func TestEveryWaitEnds(t *testing.T) {
	t.Parallel()
	const limit = time.Minute
	for name, line := range map[string]func(n int, said []byte) []byte{
		"nothing":     func(int, []byte) []byte { return nil },
		"only '+'":    func(int, []byte) []byte { return []byte("+01") },
		"noise":       func(int, []byte) []byte { return []byte("W (17) wifi: noise\r\n") },
		"beginnings":  func(int, []byte) []byte { return []byte("+01\n~=01ffff01234567ans") },
		"old answers": func(int, []byte) []byte { return []byte("+01\n~=000000dc5cbfa9\n") },
		"damaged":     func(n int, said []byte) []byte { said[len(said)-2] ^= 1; return said },
		"not received": func(int, []byte) []byte {
			return fmt.Appendf(nil, "\n~?000000%08x\n", checkCRC.sum(nil, []byte("?000000")))
		},
	} {
		took, err := called(t, limit, line)
		var transfer *port.TransferError
		if !errors.As(err, &transfer) || !errors.Is(err, port.ErrTimeout) || took > limit+maxTries*4*time.Second {
			t.Errorf("%s: %v after %v", name, err, took)
		}
		t.Logf("%s: %v after %v", name, err, took)
	}
}

// TestBabbleEnds has a board that prints without a pause.
func TestBabbleEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		host, board := net.Pipe()
		var wait sync.WaitGroup
		wait.Go(func() { io.Copy(io.Discard, board) })
		wait.Go(func() {
			for {
				time.Sleep(10 * time.Millisecond)
				if _, err := board.Write([]byte("~=01 babble")); err != nil {
					return
				}
			}
		})
		l := port.New("the board", host)
		s := &session{repl: &repl.REPL{Link: l}, check: checkCRC, chunk: 1024, frame: 1024, most: 1024, pace: time.Millisecond}
		start := time.Now()
		_, err := s.Call(context.Background(), 'x', []byte("command"), time.Minute)
		if took := time.Since(start); !errors.Is(err, port.ErrTimeout) || took > 2*time.Minute {
			t.Errorf("%v after %v", err, took)
		}
		if _, err := l.WaitFor(context.Background(), time.Minute, "never"); !errors.Is(err, port.ErrTimeout) {
			t.Error(err)
		}
		l.Close()
		board.Close()
		wait.Wait()
	})
}

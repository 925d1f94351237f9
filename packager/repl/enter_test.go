package repl

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rules_romfs/packager/port"
)

// entered tells how long it takes to enter the raw REPL of a board that is
// running a program. read is that program: it gets what arrives in one piece, as
// USB delivers it, and says when it has ended. The clock is the test's own.
func entered(t *testing.T, farewell string, read func(piece []byte) (ended bool)) (took time.Duration, err error) {
	synctest.Test(t, func(t *testing.T) {
		host, board := net.Pipe()
		go func() {
			buf := make([]byte, 256)
			for ended := false; ; {
				n, err := board.Read(buf)
				if err != nil {
					return
				}
				if !ended {
					ended = read(buf[:n])
				} else if bytes.Contains(buf[:n], []byte(ctrlA)) {
					board.Write([]byte(Banner))
				}
			}
		}()
		l := port.New("the board", host)
		begin := time.Now()
		err = (&REPL{Link: l, Farewell: farewell}).Enter(t.Context(), ConnectLimit)
		took = time.Since(begin)
		l.Close()
		board.Close()
	})
	return took, err
}

// TestStubbornProgram: a program that catches the KeyboardInterrupt in its loop,
// and takes a moment for each, is interrupted all the same.
func TestStubbornProgram(t *testing.T) {
	t.Parallel()
	for _, moment := range []time.Duration{200 * time.Microsecond, time.Millisecond, 5 * time.Millisecond} {
		var caught time.Time
		took, err := entered(t, "", func(piece []byte) bool {
			if !bytes.Contains(piece, []byte(ctrlC)) {
				return false
			}
			again := time.Since(caught) < moment
			caught = time.Now()
			return again
		})
		if err != nil || took > 10*time.Second {
			t.Errorf("it deals with each for %v: %v after %v", moment, err, took)
		}
		t.Logf("%v: entered after %v", moment, took)
	}
}

// TestFarewell: on firmware without Ctrl-C a program of ours ends when it is told
// to, and the error for one that does not says what was tried.
func TestFarewell(t *testing.T) {
	t.Parallel()
	read := func(piece []byte) bool { return bytes.Contains(piece, []byte("~leave")) }
	if took, err := entered(t, "~leave", read); err != nil || took > 5*time.Second {
		t.Errorf("%v after %v", err, took)
	}
	_, err := entered(t, "", read)
	if err == nil || !strings.Contains(err.Error(), "is it a MicroPython board") {
		t.Error(err)
	}
}

// TestBoardThatTakesNothing: a hung board whose driver takes no bytes any more is
// told in time, and the link is as good as before when it runs again.
func TestBoardThatTakesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		host, board := net.Pipe() // which takes nothing before it is read
		l := port.New("the board", host)
		r := &REPL{Link: l, Farewell: "~leave"}
		begin := time.Now()
		if err := r.Enter(t.Context(), 8*time.Second); !errors.Is(err, port.ErrTimeout) {
			t.Fatal(err)
		}
		if took := time.Since(begin); took > 12*time.Second {
			t.Errorf("told after %v", took)
		}
		go func() {
			buf := make([]byte, 256)
			for {
				n, err := board.Read(buf)
				if err != nil {
					return
				}
				if bytes.Contains(buf[:n], []byte(ctrlA)) {
					board.Write([]byte(Banner))
				}
			}
		}()
		if err := r.Enter(t.Context(), 8*time.Second); err != nil {
			t.Error(err)
		}
		l.Close()
		board.Close()
	})
}

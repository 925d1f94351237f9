package testprogram

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// patience is for programs that hang, not for a machine that is busy.
const patience = 2 * time.Minute

// A Leash tells whether programs that a test has caused to be started go on.
// They hold a FIFO open, and so does what they start; when nobody does any
// more, all of them have ended. A number of a process would not tell: where
// programs are started quickly it is another's within seconds.
type Leash struct {
	tb        testing.TB
	path      string
	read      *os.File
	unclaimed *os.File // as long as it is open, that nobody holds the leash is no end of it
}

// NewLeash makes a leash that nobody holds yet.
func NewLeash(tb testing.TB) *Leash {
	tb.Helper()
	l := &Leash{tb: tb, path: filepath.Join(tb.TempDir(), "leash")}
	err := syscall.Mkfifo(l.path, 0o600)
	if err == nil {
		l.read, err = os.OpenFile(l.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	}
	if err == nil {
		tb.Cleanup(func() { l.read.Close() })
		l.unclaimed, err = os.OpenFile(l.path, os.O_WRONLY, 0)
	}
	if err == nil {
		tb.Cleanup(func() { l.unclaimed.Close() })
		err = l.read.SetReadDeadline(time.Now().Add(patience))
	}
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// Hold is a line of a shell's script: from then on the shell and what it starts
// hold the leash.
func (l *Leash) Hold() string { return "exec 9>'" + l.path + "'; echo >&9\n" }

// Taken waits until n more scripts hold the leash.
func (l *Leash) Taken(n int) {
	l.tb.Helper()
	if got, err := io.ReadFull(l.read, make([]byte, n)); err != nil {
		l.tb.Fatalf("%d of %d programs were started: %v", got, n, err)
	}
}

// Ended waits until all that hold the leash have ended, and returns how many
// took it since the last call of Taken. The leash is of no use afterwards.
func (l *Leash) Ended() int {
	l.tb.Helper()
	l.unclaimed.Close()
	rest, err := io.ReadAll(l.read)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		l.tb.Errorf("what was started is still running after %v", patience)
	} else if err != nil {
		l.tb.Error(err)
	}
	return len(rest)
}

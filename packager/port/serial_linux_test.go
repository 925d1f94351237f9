package port

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.bug.st/serial"

	"rules_romfs/internal/peer"
)

// TestBusyForOthers: a port that mpremote's library has open is busy for us, and
// one that we have open is busy for it, and for us once more.
func TestBusyForOthers(t *testing.T) {
	t.Parallel()
	_, name := openPTY(t)
	pyserial := func(then string) *exec.Cmd {
		cmd := exec.Command("python3", "-c", "import serial, sys\nport = serial.Serial(sys.argv[1], exclusive=True)\nprint('open', flush=True)\n"+then, name)
		cmd.Env = append(cmd.Environ(), "PYTHONPATH="+filepath.Join(filepath.Dir(filepath.Dir(peer.Mpremote(t))), "lib"))
		return cmd
	}
	holder := pyserial("sys.stdin.read()")
	in, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	holder.Stderr = t.Output()
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if said, err := io.ReadAll(io.LimitReader(out, 5)); err != nil || string(said) != "open\n" {
		t.Fatalf("pyserial says %q, %v", said, err)
	}
	_, err = (&Opener{}).Open(t.Context(), name)
	wantCode(t, err, CodeBusy)
	in.Close()
	if err := holder.Wait(); err != nil {
		t.Fatal(err)
	}
	l, err := (&Opener{}).Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	_, err = (&Opener{}).Open(t.Context(), name)
	wantCode(t, err, CodeBusy)
	if said, err := pyserial("").CombinedOutput(); err == nil {
		t.Errorf("pyserial opens our port: %s", said)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if said, err := pyserial("").CombinedOutput(); err != nil {
		t.Errorf("pyserial does not open a port that we have closed: %v: %s", err, said)
	}
}

// TestOpenCodes: every port that does not open says of what kind the trouble is,
// and what to do.
func TestOpenCodes(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]string{
		"":                        CodeName,
		"/dev/no-such-port":       CodeAbsent,
		"/dev/null":               CodeName,
		"ftp://127.0.0.1:1":       CodeName,
		"socket://127.0.0.1":      CodeName,
		"rfc2217://127.0.0.1:abc": CodeName,
		"socket://127.0.0.1:1":    CodeAbsent,
		"exec: ":                  CodeName,
		"sim:":                    CodeName,
	} {
		l, err := (&Opener{}).Open(t.Context(), name)
		if err == nil {
			l.Close()
		}
		wantCode(t, err, code)
	}
}

// A tight connection takes a few bytes at a time, and is interrupted by signals.
type tight struct {
	io.ReadWriteCloser
	writes int
}

func (s *tight) Write(b []byte) (int, error) {
	s.writes++
	switch {
	case s.writes%3 == 0:
		return 0, syscall.EINTR
	case s.writes%5 == 0:
		n, _ := s.ReadWriteCloser.Write(b[:1])
		return n, syscall.EINTR
	}
	return s.ReadWriteCloser.Write(b[:min(len(b), 100)])
}

// TestShortWrites: what a serial device did not take at once is written again.
func TestShortWrites(t *testing.T) {
	t.Parallel()
	master, name := openPTY(t)
	rwc, err := openSerial(name, DefaultBaud)
	if err != nil {
		t.Fatal(err)
	}
	l := New(name, &tight{ReadWriteCloser: rwc})
	defer l.Close()
	want := make([]byte, 20_000)
	for i := range want {
		want[i] = byte(i * 7)
	}
	got := make([]byte, len(want))
	read := make(chan error, 1)
	go func() {
		_, err := io.ReadFull(master, got)
		read <- err
	}()
	if err := l.Write(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if err := <-read; err != nil || !bytes.Equal(got, want) {
		t.Errorf("what arrives differs: %v", err)
	}
	if sent, _ := l.Traffic(); sent != int64(len(want)) {
		t.Errorf("%d bytes counted, not %d", sent, len(want))
	}
}

// linkThrough opens a pseudo-terminal whose master nobody reads, through a port of
// the test's that has the real one within.
func linkThrough(t *testing.T, outer serial.Port, within *serial.Port) *Link {
	_, name := openPTY(t)
	rwc, err := openSerial(name, DefaultBaud)
	if err != nil {
		t.Fatal(err)
	}
	d := rwc.(*device)
	*within, d.port = d.port, outer
	return New(name, d)
}

// A stuck device sends nothing of what it has taken until that is discarded.
type stuck struct {
	serial.Port
	discarded chan struct{}
}

func (s *stuck) Drain() error { <-s.discarded; return nil }
func (s *stuck) ResetOutputBuffer() error {
	select {
	case <-s.discarded:
	default:
		close(s.discarded)
	}
	return nil
}

// TestUnsentOutput: a port whose other side takes nothing is given up in time,
// and closing it does not wait for what was never sent.
func TestUnsentOutput(t *testing.T) {
	t.Parallel()
	s := &stuck{discarded: make(chan struct{})}
	l := linkThrough(t, s, &s.Port)
	begin := time.Now()
	err := l.write(t.Context(), make([]byte, 1<<20), 100*time.Millisecond)
	if !errors.Is(err, ErrTimeout) {
		t.Fatal(err)
	}
	select {
	case <-s.discarded:
	default:
		t.Error("closed with what was never sent")
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	if err := l.Write(t.Context(), []byte("x")); !errors.Is(err, ErrLost) {
		t.Errorf("after it: %v", err)
	}
}

// TestCancelledWrite: Ctrl-C ends a write that nobody takes, too.
func TestCancelledWrite(t *testing.T) {
	t.Parallel()
	_, name := openPTY(t)
	l, err := (&Opener{}).Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := l.Write(ctx, make([]byte, 1<<20)); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// TestLineOrder: no auto-reset circuit takes opening or closing for a reset.
func TestLineOrder(t *testing.T) {
	t.Parallel()
	r := &recorded{}
	raise(r)
	lower(r)
	if got := strings.Join(r.set, ", "); got != "dtr on, rts on, rts off, dtr off" {
		t.Error(got)
	}
}

// recorded lines remember what was done with them.
type recorded struct{ set []string }

func (r *recorded) SetDTR(on bool) error { return r.add("dtr", on) }
func (r *recorded) SetRTS(on bool) error { return r.add("rts", on) }
func (r *recorded) add(line string, on bool) error {
	r.set = append(r.set, line+map[bool]string{true: " on", false: " off"}[on])
	return nil
}

// A partial port takes one byte of each write, and that only when it is let.
type partial struct {
	serial.Port
	let chan struct{}
}

func (p *partial) Write(b []byte) (int, error) {
	<-p.let
	return p.Port.Write(b[:1])
}

// TestNoStrayBytes: a write that is given up never reaches the port that is opened
// next, which gets the number of its descriptor.
func TestNoStrayBytes(t *testing.T) {
	t.Parallel()
	p := &partial{let: make(chan struct{})}
	l := linkThrough(t, p, &p.Port)
	if err := l.write(t.Context(), make([]byte, 100), time.Millisecond); !errors.Is(err, ErrTimeout) {
		t.Fatal(err)
	}
	master, other := openPTY(t)
	next, err := (&Opener{}).Open(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	close(p.let)
	if err := next.Write(t.Context(), []byte("hello")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(master, got); err != nil || string(got) != "hello" {
		t.Errorf("%q, %v", got, err)
	}
}

// A watched port says whether it was closed under its reader, who stays in it
// until it is let go.
type watched struct {
	serial.Port
	entered, let chan struct{}
	first        sync.Once
	reading      atomic.Bool
	under        atomic.Bool
}

func (w *watched) Read(b []byte) (int, error) {
	w.reading.Store(true)
	defer w.reading.Store(false)
	w.first.Do(func() {
		close(w.entered)
		<-w.let
	})
	return w.Port.Read(b)
}

func (w *watched) Drain() error {
	time.AfterFunc(50*time.Millisecond, func() { close(w.let) })
	return w.Port.Drain()
}

func (w *watched) Close() error {
	w.under.Store(w.reading.Load())
	return w.Port.Close()
}

// TestNoStolenBytes: a reader has left a port before its descriptor is closed, and
// so never reads from the file that gets the number next.
func TestNoStolenBytes(t *testing.T) {
	t.Parallel()
	w := &watched{entered: make(chan struct{}), let: make(chan struct{})}
	l := linkThrough(t, w, &w.Port)
	<-w.entered
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	<-l.gone
	if w.under.Load() {
		t.Error("closed while its reader was about to read")
	}
}

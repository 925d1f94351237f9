//go:build linux

package simboard_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/simboard"
)

// patience is how long a test waits for what must come; only failures take it.
const patience = time.Minute

// start starts a board that ends with the test.
func start(t testing.TB, o simboard.Options, faults ...string) *simboard.Board {
	t.Helper()
	for _, f := range faults {
		if err := o.SetFault(f); err != nil {
			t.Fatal(err)
		}
	}
	o.Interpreter = peer.MicroPython(t)
	b, err := simboard.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// waitOff waits until a cut has taken the board's power.
func waitOff(t testing.TB, b *simboard.Board) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := b.WaitOff(ctx); err != nil {
		t.Fatalf("the power was not cut: %v", err)
	}
}

// soon waits until something is so.
func soon(t testing.TB, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for %s", what)
		}
	}
}

// loopback asks for a TCP port.
const loopback = "127.0.0.1:0"

// A host is a test's own end of the link.
type host struct {
	t    testing.TB
	conn io.ReadWriteCloser
	got  []byte // read ahead
	err  error  // of the last read
}

// connect opens the board's TCP port.
func connect(t testing.TB, b *simboard.Board) *host {
	t.Helper()
	conn, err := b.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &host{t: t, conn: conn}
}

// open opens the board's pty.
func open(t testing.TB, b *simboard.Board) *host {
	t.Helper()
	f, err := os.OpenFile(b.PTY(), os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return &host{t: t, conn: f}
}

// prompt starts a board and brings its REPL to raw mode.
func prompt(t testing.TB, o simboard.Options, faults ...string) (*simboard.Board, *host) {
	t.Helper()
	b := start(t, o, faults...)
	h := connect(t, b)
	h.raw()
	return b, h
}

func (h *host) send(s string) {
	h.t.Helper()
	h.conn.(interface{ SetWriteDeadline(time.Time) error }).SetWriteDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(h.conn, s); err != nil {
		h.t.Fatalf("send %q: %v", s, err)
	}
}

// until reads up to and including end.
func (h *host) until(end string) string {
	h.t.Helper()
	s, ok := h.tryUntil(end, patience)
	if !ok {
		h.t.Fatalf("waited for %q, got %.1000q", end, s)
	}
	return s
}

// tryUntil reads until end or the time is over.
func (h *host) tryUntil(end string, limit time.Duration) (string, bool) {
	h.t.Helper()
	h.conn.(interface{ SetReadDeadline(time.Time) error }).SetReadDeadline(time.Now().Add(limit))
	buf := make([]byte, 4096)
	for {
		if i := strings.Index(string(h.got), end); i >= 0 {
			s := string(h.got[:i+len(end)])
			h.got = h.got[i+len(end):]
			return s, true
		}
		var n int
		n, h.err = h.conn.Read(buf)
		h.got = append(h.got, buf[:n]...)
		if h.err != nil {
			s := string(h.got)
			h.got = nil
			return s, false
		}
	}
}

// raw enters the raw REPL, whatever the board is doing: one Ctrl-C may end
// boot.py only, and main.py runs.
func (h *host) raw() {
	h.t.Helper()
	soon(h.t, "the raw REPL", func() bool {
		h.send("\r\x03\x03\r\x01")
		_, ok := h.tryUntil("raw REPL; CTRL-B to exit\r\n>", time.Second)
		return ok
	})
	h.send("print('in' + ' step')\x04") // what the other attempts caused comes before this
	h.until("OKin step\r\n\x04\x04>")
}

// exec runs code in the raw REPL and returns what it prints and raises.
func (h *host) exec(code string) (out, exception string) {
	h.t.Helper()
	h.begin(code)
	out = strings.TrimSuffix(h.until("\x04"), "\x04")
	exception = strings.TrimSuffix(h.until("\x04"), "\x04")
	h.until(">")
	return out, exception
}

// begin starts code in the raw REPL.
func (h *host) begin(code string) {
	h.t.Helper()
	h.send(code + "\x04")
	h.until("OK")
}

// eval runs an expression that must not raise.
func (h *host) eval(expr string) string {
	h.t.Helper()
	out, exc := h.exec("print(" + expr + ")")
	if exc != "" {
		h.t.Fatalf("%s: %s", expr, exc)
	}
	return strings.TrimSuffix(out, "\r\n")
}

// reset makes a soft reset in the raw REPL.
func (h *host) reset() {
	h.t.Helper()
	h.send("\x04")
	h.until("OK\r\nMPY: soft reboot\r\n")
	h.until("raw REPL; CTRL-B to exit\r\n>")
}

// pyBytes writes bytes as a Python bytes literal.
func pyBytes(b []byte) string {
	var s strings.Builder
	s.WriteString("b'")
	for _, c := range b {
		fmt.Fprintf(&s, "\\x%02x", c)
	}
	return s.String() + "'"
}

// deployFiles puts an image with these files on the board with mpremote.
func deployFiles(t testing.TB, b *simboard.Board, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		write(t, filepath.Join(dir, name), content)
	}
	out := run(t, peer.Mpremote(t), "connect", b.PTY(), "romfs", "--no-mpy", "deploy", dir)
	if !strings.Contains(out, "ROMFS image deployed") {
		t.Fatal(out)
	}
}

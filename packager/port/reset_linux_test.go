package port

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// wired is a connection with lines.
type wired struct {
	net.Conn
	recorded
}

// TestResetSteps: the lines are set in the order of the steps, with their pauses.
func TestResetSteps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		host, board := net.Pipe()
		w := &wired{Conn: host}
		l := New("port", w)
		begin := time.Now()
		if err := parsed(t, "classic")[0].Do(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		if err := parsed(t, "rts on, wait 1s, dtr on, rts off")[0].Do(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		want := "dtr off, rts on, rts off, rts on, dtr on, rts off"
		if got := strings.Join(w.set, ", "); got != want || time.Since(begin) != 1150*time.Millisecond {
			t.Errorf("%s after %v, wanted %s", got, time.Since(begin), want)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := parsed(t, "wait 10s")[0].Do(ctx, l); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		l.Close()
		board.Close()
	})
}

// TestNoLines: a pty has none, nor has a network connection.
func TestNoLines(t *testing.T) {
	t.Parallel()
	_, name := openPTY(t)
	l, err := (&Opener{}).Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := parsed(t, "classic")[0].Do(t.Context(), l); !errors.Is(err, ErrNoLines) || !errors.Is(err, unix.ENOTTY) {
		t.Errorf("a pty: %v", err)
	}
	host, board := net.Pipe()
	defer board.Close()
	plain := New("socket://h:1", host)
	defer plain.Close()
	for _, way := range []string{"classic", "touch"} {
		if err := parsed(t, way)[0].Do(t.Context(), plain); !errors.Is(err, ErrNoLines) {
			t.Errorf("%s over a network: %v", way, err)
		}
	}
}

// TestResetTakesUSBAlong: a device that goes away while its lines are set is lost,
// not one without lines.
func TestResetTakesUSBAlong(t *testing.T) {
	t.Parallel()
	master, name := openPTY(t)
	l, err := (&Opener{}).Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := parsed(t, "classic")[0].Do(t.Context(), l); !errors.Is(err, ErrLost) || errors.Is(err, ErrNoLines) {
		t.Errorf("closed: %v", err)
	}
	host, board := net.Pipe()
	defer board.Close()
	gone := New("port", &vanishing{Conn: host})
	defer gone.Close()
	if err := parsed(t, "classic")[0].Do(t.Context(), gone); !errors.Is(err, ErrLost) || errors.Is(err, ErrNoLines) {
		t.Errorf("unplugged: %v", err)
	}
	master.Close()
}

// A vanishing device is gone when RTS goes on.
type vanishing struct{ net.Conn }

func (v *vanishing) SetDTR(bool) error { return nil }
func (v *vanishing) SetRTS(bool) error { return unix.ENODEV }

// TestTouch: the port is opened at 1200 baud and closed again.
func TestTouch(t *testing.T) {
	t.Parallel()
	master, name := openPTY(t)
	speed := func() uint32 {
		conn, err := master.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		var tio *unix.Termios
		if cerr := conn.Control(func(fd uintptr) { tio, err = unix.IoctlGetTermios(int(fd), unix.TCGETS) }); cerr != nil || err != nil {
			t.Fatal(cerr, err)
		}
		return tio.Cflag & unix.CBAUD
	}
	l, err := (&Opener{}).Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if got := speed(); got != unix.B115200 {
		t.Fatalf("the speed is %#x", got)
	}
	if err := parsed(t, "touch")[0].Do(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if got := speed(); got != unix.B1200 {
		t.Errorf("the speed is %#x", got)
	}
	if err := l.Write(t.Context(), []byte("x")); !errors.Is(err, ErrLost) {
		t.Errorf("the link is still there: %v", err)
	}
	again, err := (&Opener{}).Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

// TestAwait: what is plugged in later is waited for, for as long as was said, and
// nothing else is.
func TestAwait(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	board := filepath.Join(dir, "board")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	listener.Close()
	_, terminal := openPTY(t)

	plugged := false
	for name, c := range map[string]struct {
		choice Choice
		plug   func() error
	}{
		"a device": {Choice{Ports: []string{board}, List: func() ([]Info, error) { return nil, nil }},
			func() error { return os.Symlink(terminal, board) }},
		"a serial number": {Choice{Ports: []string{"E66"}, List: func() ([]Info, error) {
			if plugged {
				return []Info{{Name: terminal, Serial: "E66"}}, nil
			}
			return nil, nil
		}}, func() error { plugged = true; return nil }},
		"a network port": {Choice{Ports: []string{"socket://" + addr}}, func() error {
			l, err := net.Listen("tcp", addr)
			if err == nil {
				t.Cleanup(func() { l.Close() })
			}
			return err
		}},
	} {
		missing := 0
		_, err := c.choice.Await(t.Context(), 1, func(error) { missing++ }) // over before it has looked once
		if missing != 1 {
			t.Errorf("%s: it says %d times what it waits for", name, missing)
		}
		wantCode(t, err, CodeAbsent)
		said := 0
		places, err := c.choice.Await(t.Context(), time.Minute, func(missing error) {
			said++
			if err := c.plug(); err != nil {
				t.Fatal(err)
			}
		})
		if err != nil || len(places) != 1 || said != 1 {
			t.Errorf("%s: %v, %v; said %d times", name, places, err, said)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := (&Choice{Ports: []string{"/dev/no-such-port"}}).Await(ctx, Forever, func(error) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("Ctrl-C: %v", err)
	}
	if _, err := (&Choice{Ports: []string{""}}).Await(t.Context(), Forever, func(error) { t.Error("it waits for what cannot come") }); err == nil {
		t.Error("a port without a name")
	}
}

//go:build linux

package simboard_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/simboard"
)

// rack is a test's rack, and what dials a board of it by its specification.
func rack(t *testing.T) (r *simboard.Rack, dial func(spec string) *host) {
	r = &simboard.Rack{}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r, func(spec string) *host {
		t.Helper()
		conn, err := r.Dial(t.Context(), spec, func() (simboard.Options, error) {
			o, err := simboard.ParseSpec(spec)
			o.Interpreter = peer.MicroPython(t)
			return o, err
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return &host{t: t, conn: conn}
	}
}

// TestRack comes back to a board whose power was cut: it has the flash that it
// had, the cut does not happen again, and another specification is another board.
func TestRack(t *testing.T) {
	t.Parallel()
	_, dial := rack(t)
	const spec = "?cut=2&power-back=10ms"
	h := dial(spec)
	h.raw()
	h.send("import vfs\nvfs.rom_ioctl(4, 0, 0, b'kept')\nfor i in range(9): vfs.rom_ioctl(4, 0, 4096, b'x')\x04")
	h.until("MicroPython v")
	h.conn.Close()
	h = dial(spec)
	h.raw()
	if got := h.eval("bytes(__import__('vfs').rom_ioctl(2, 0)[:4]), __import__('vfs').rom_ioctl(4, 0, 4100, b'more')"); got != "b'kept' 0" {
		t.Errorf("the board that came back says %s", got)
	}
	h = dial("?size=64KiB")
	h.raw()
	if got := h.eval("bytes(__import__('vfs').rom_ioctl(2, 0)[:4])"); got != `b'\xff\xff\xff\xff'` {
		t.Errorf("another board holds %s", got)
	}
}

// TestOneHost has two hosts at once: the second waits for the first to leave,
// and is turned away if it does not.
func TestOneHost(t *testing.T) {
	t.Parallel()
	r, dial := rack(t)
	h := dial("")
	options := func() (simboard.Options, error) { return simboard.Options{}, errors.New("the board runs already") }
	var busy *simboard.BusyError
	if _, err := r.Dial(t.Context(), "", options); !errors.As(err, &busy) {
		t.Errorf("a second host: %v", err)
	}
	time.AfterFunc(20*time.Millisecond, func() { h.conn.Close() })
	conn, err := r.Dial(t.Context(), "", options)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if _, err := r.Dial(t.Context(), "no-such-spec", options); err == nil || !strings.Contains(err.Error(), "runs already") {
		t.Errorf("options that fail: %v", err)
	}
}

// TestFlashFileIsLocked starts a second board with the flash file of a first.
func TestFlashFileIsLocked(t *testing.T) {
	t.Parallel()
	o := boardWith(small)
	o.Flash = filepath.Join(t.TempDir(), "board.flash")
	o.Interpreter = peer.MicroPython(t)
	b := start(t, o)
	var busy *simboard.BusyError
	if _, err := simboard.Start(t.Context(), o); !errors.As(err, &busy) || !strings.Contains(err.Error(), o.Flash) {
		t.Errorf("two boards with one flash: %v", err)
	}
	b.Close()
	start(t, o)
}

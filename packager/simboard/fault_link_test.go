//go:build linux

package simboard_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rules_romfs/packager/simboard"
)

// linkFaults shows what each fault of the link does, by the fault's name.
var linkFaults = map[string]func(t *testing.T){
	"baud": func(t *testing.T) {
		_, h := prompt(t, simboard.Options{}, "baud=9600") // about a byte in a millisecond
		began := time.Now()
		h.exec("#" + strings.Repeat("x", 199))
		if d := time.Since(began); d < 200*time.Millisecond {
			t.Errorf("200 bytes at 9600 baud took only %v", d)
		}
	},
	"latency": func(t *testing.T) {
		_, h := prompt(t, simboard.Options{}, "latency=30ms")
		began := time.Now()
		h.exec("pass")
		if d := time.Since(began); d < 60*time.Millisecond {
			t.Errorf("a round trip with 30 ms each way took only %v", d)
		}
	},
	"lose":         func(t *testing.T) { disturbed(t, "lose", -1) },
	"double":       func(t *testing.T) { disturbed(t, "double", 1) },
	"flip":         func(t *testing.T) { disturbed(t, "flip", 0) },
	"reply-lose":   func(t *testing.T) { disturbedReply(t, "reply-lose", -1) },
	"reply-double": func(t *testing.T) { disturbedReply(t, "reply-double", 1) },
	"reply-flip":   func(t *testing.T) { disturbedReply(t, "reply-flip", 0) },
	"seed": func(t *testing.T) {
		calm := start(t, simboard.Options{})
		h := connect(t, calm)
		h.send("print('rea''dy')\r")
		h.until("ready\r\n>>> ")
		said := calm.Stats().BoardToHost
		replies := func(seed string) string {
			b := start(t, simboard.Options{}, "reply-flip=20", seed)
			h := connect(t, b)
			h.send("print('rea''dy')\r")
			for b.Stats().BoardToHost < said { // so that every run has said the same
				time.Sleep(time.Millisecond)
			}
			h.send("print('x' * 4000);print('E''N''D')\r")
			said := h.until("END")
			return said[len(said)-3000:]
		}
		a, b, c := replies("seed=1"), replies("seed=1"), replies("seed=2")
		if a != b {
			t.Error("the same seed spoils other bytes")
		}
		if a == c {
			t.Error("another seed spoils the same bytes")
		}
	},
	"noise": func(t *testing.T) {
		h := connect(t, start(t, simboard.Options{}, "noise=100"))
		h.send("\r\x03print('-' * 3000)\r")
		h.until("W (5) wifi: noise from another core\r\n")
	},
	"ring": func(t *testing.T) { // and holds the link back: nothing is lost
		b, h := prompt(t, simboard.Options{}, "ring=256")
		h.begin("import sys, time\ntime.sleep_ms(100)\nn = 0\nfor i in range(50): n += sum(sys.stdin.buffer.read(100))\nprint(n)")
		h.send(strings.Repeat("\x64", 5000))
		h.until("500000\r\n\x04\x04>")
		if n := b.Stats().LostBytes; n != 0 {
			t.Errorf("lost %d bytes", n)
		}
	},
	"ring-drops": func(t *testing.T) {
		b, h := prompt(t, simboard.Options{}, "ring=256", "ring-drops")
		h.begin("import sys, time\ntry:\n  print('go')\n  while True: time.sleep_ms(10)\nexcept KeyboardInterrupt: print(len(sys.stdin.buffer.read(256)))")
		h.until("go\r\n")
		h.send(strings.Repeat("x", 1000) + "\x03")
		h.until("256\r\n\x04\x04>")
		if n := b.Stats().LostBytes; n != 744 {
			t.Errorf("lost %d bytes of 1000 that came to a ring of 256", n)
		}
	},
	"deaf": func(t *testing.T) {
		b, h := prompt(t, boardWith(small), "deaf=16", "erase-time=3s")
		h.begin("import vfs, sys\nvfs.rom_ioctl(3, 0, 0, 8192)\nprint(sys.stdin.buffer.read(16))")
		for b.Stats().Erases == 0 { // then the second block is being erased
			time.Sleep(time.Millisecond)
		}
		h.send(strings.Repeat("0123456789", 10))
		h.until("b'0123456789012345'\r\n\x04\x04>")
		if n := b.Stats().LostBytes; n != 84 {
			t.Errorf("lost %d of 100 bytes that came while flash was busy", n)
		}
	},
	"no-interrupt": func(t *testing.T) {
		_, h := prompt(t, simboard.Options{}, "no-interrupt")
		h.begin("import sys\nprint('go')\nprint(sys.stdin.buffer.read(3))")
		h.until("go\r\n")
		h.send("\x03\x03x")
		h.until("b'\\x03\\x03x'")
	},
	"intr-clears": func(t *testing.T) {
		_, h := prompt(t, simboard.Options{}, "intr-clears")
		h.begin("print('go')\nwhile True: pass")
		h.until("go\r\n")
		h.send("print('lost')\x04\x03")
		h.until("KeyboardInterrupt: \r\n\x04>")
		if out, _ := h.exec("pass"); out != "" {
			t.Errorf("Ctrl-C left %q in the ring", out)
		}
	},
	"reset-on-open": func(t *testing.T) {
		b := start(t, simboard.Options{}, "reset-on-open")
		boots := b.Stats().Boots
		for i, opened := range []func(testing.TB, *simboard.Board) *host{connect, open} {
			h := opened(t, b)
			soon(t, "a boot", func() bool { return b.Stats().Boots > boots+i })
			h.until("MicroPython v")
		}
	},
	"boot-time": func(t *testing.T) {
		b, h := prompt(t, simboard.Options{}, "boot-time=4s")
		h.send("\x02")
		h.until(">>> ")
		b.Reset()
		time.Sleep(50 * time.Millisecond)
		h.send("print('too early')\r")
		h.until("MicroPython v")
		h.send("print('now')\r")
		if got := h.until("now\r\n"); strings.Contains(got, "early") {
			t.Errorf("a board that was not up yet heard: %q", got)
		}
	},
	"usb": func(t *testing.T) {
		link := filepath.Join(t.TempDir(), "port")
		b := start(t, simboard.Options{Link: link}, "usb=50ms")
		h, old := connect(t, b), open(t, b)
		h.send("\r\x03import machine\rmachine.reset()\r")
		for name, h := range map[string]*host{"tcp": h, "pty": old} {
			if s, ok := h.tryUntil("never", patience); ok || errors.Is(h.err, os.ErrDeadlineExceeded) {
				t.Fatalf("%s survived a re-enumeration: %q, %v", name, s, h.err)
			}
		}
		var f *os.File
		soon(t, "the port, again", func() bool {
			var err error
			f, err = os.OpenFile(link, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
			return err == nil
		})
		defer f.Close()
		h = &host{t: t, conn: f}
		h.send("\r\x03print('again')\r")
		h.until("\nagain\r\n")
	},
	"cut-byte": func(t *testing.T) {
		b := start(t, simboard.Options{}, "cut-byte=20")
		h := connect(t, b)
		h.send("\r\x03print('a')\r")
		h.until("\na\r\n")
		h.send("print('b')\r")
		waitOff(t, b)
		b.PowerOn()
		h.until("MicroPython v")
		h.send("print('c')\r")
		h.until("\nc\r\n")
	},
}

// disturbed sends many bytes over a link that spoils some of them, and counts what arrives.
func disturbed(t *testing.T, fault string, sign int) {
	b := start(t, simboard.Options{}, fault+"=100", "seed=3")
	h := connect(t, b)
	// The command itself must arrive: it is repeated until it does.
	soon(t, "the echo of the command", func() bool {
		h.send("\r\x03\x03\rimport sys;sys.stdin.buffer.read(1)\r")
		_, ok := h.tryUntil("read(1)\r\n", 200*time.Millisecond)
		return ok
	})
	h.send("\x03\x03\x03\r")
	time.Sleep(50 * time.Millisecond)
	h.send(strings.Repeat("x", 3000) + "\r\r") // either may be spoiled
	echo := h.until("Error")                   // of whatever kind
	n := strings.Count(echo, "x")
	switch got := n - 3000; {
	case sign < 0 && (got > -10 || got < -80), sign > 0 && (got < 10 || got > 80), sign == 0 && (got > -10 || got < -80):
		t.Errorf("%s=100: %d of 3000 bytes arrived", fault, n)
	}
}

// disturbedReply prints many bytes over a link that spoils some of them, and counts what arrives.
func disturbedReply(t *testing.T, fault string, sign int) {
	b := start(t, simboard.Options{}, fault+"=100", "seed=3")
	h := connect(t, b)
	h.send("\r\x03print('x' * 3000);" + strings.Repeat("print('E''N''D');", 5) + "\r")
	reply := h.until("END")
	n := strings.Count(reply, "x")
	switch got := n - 3000; {
	case sign < 0 && (got > -10 || got < -80), sign > 0 && (got < 10 || got > 80), sign == 0 && (got > -10 || got < -80):
		t.Errorf("%s=100: %d of 3000 bytes arrived", fault, n)
	}
}

// TestResetForgets: what a host was sending when the board was reset is gone with the connection, also
// what a full receive ring held back. In the ring of a program that reads nothing it would stay,
// and no Ctrl-C would be heard behind it.
func TestResetForgets(t *testing.T) {
	t.Parallel()
	talks := map[string]string{"main.py": "import time\nwhile True:\n    print('runs')\n    time.sleep_ms(1)\n"}
	b := start(t, simboard.Options{Files: talks}, "usb=1ms", "ring=64")
	h := plugged(t, b)
	for range 10 {
		h.until("runs")
		h.send(strings.Repeat("x", 32<<10))
		b.Reset()
		if said, ok := h.tryUntil("never", patience); ok || errors.Is(h.err, os.ErrDeadlineExceeded) {
			t.Fatalf("the reset leaves the connection: %v, %q", h.err, said)
		}
		h = plugged(t, b)
		h.until("runs")
		h.send("\r\x03")
		if said, ok := h.tryUntil("KeyboardInterrupt", patience); !ok {
			t.Fatalf("after a reset no Ctrl-C is heard: %v, it said %d bytes", h.err, len(said))
		}
		h.send("\x04")
	}
}

// plugged connects to a board that may be unplugged for a moment.
func plugged(t *testing.T, b *simboard.Board) *host {
	t.Helper()
	var conn io.ReadWriteCloser
	soon(t, "a board to connect to", func() bool {
		var err error
		conn, err = b.Dial(t.Context())
		return err == nil
	})
	t.Cleanup(func() { conn.Close() })
	return &host{t: t, conn: conn}
}

//go:build linux

package simboard_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rules_romfs/packager/simboard"
)

// replFaults shows what each fault of the REPL and the interpreter does, by the fault's name.
var replFaults = map[string]func(t *testing.T){
	"raw-paste": func(t *testing.T) {
		_, h := prompt(t, simboard.Options{}, "raw-paste=refused")
		h.send("\x05A\x01")
		if got := h.until(">"); got != "R\x00>" {
			t.Errorf("refused: %q", got)
		}
		h.exec("pass")
		_, h = prompt(t, simboard.Options{}, "raw-paste=unknown")
		h.send("\x05A\x01")
		if got := h.until(">"); got != "raw REPL; CTRL-B to exit\r\n>" {
			t.Errorf("unknown: %q", got)
		}
		h.exec("pass")
	},
	"window": func(t *testing.T) {
		_, h := prompt(t, simboard.Options{}, "window=32")
		h.send("\x05A\x01")
		if got := h.until("\x00\x01"); got != "R\x01\x20\x00\x01" {
			t.Errorf("%q", got)
		}
	},
	"max-paste": func(t *testing.T) {
		_, h := prompt(t, simboard.Options{}, "max-paste=100")
		for range 2 {
			abortedPaste(t, h)
		}
	},
	"abort-paste": func(t *testing.T) {
		_, h := prompt(t, simboard.Options{}, "abort-paste=100")
		abortedPaste(t, h)
		h.reset()
		h.send("\x05A\x01")
		h.until("\x01\x80\x00\x01")
		h.send("print(1)#" + strings.Repeat("x", 150) + "\x04")
		h.until("\x041\r\n\x04\x04>")
	},
	"heap": func(t *testing.T) {
		for _, size := range []int{12 << 10, 16 << 10, 64 << 10} {
			_, h := prompt(t, simboard.Options{}, fmt.Sprintf("heap=%d", size))
			var free int
			fmt.Sscan(h.eval("[__import__('gc').collect(), __import__('gc').mem_free()][1]"), &free)
			// The collector takes what lies on the stack by chance for pointers.
			if free > size+512 || free < size*3/4-2048 {
				t.Errorf("heap=%d: %d bytes are free", size, free)
			}
			if _, exc := h.exec(fmt.Sprintf("x = bytearray(%d)", size*3/4-2048)); exc != "" {
				t.Errorf("heap=%d is in pieces: %q", size, exc)
			}
			h.exec("del x")
			if _, exc := h.exec(fmt.Sprintf("bytearray(%d)", size)); !strings.Contains(exc, "MemoryError") {
				t.Errorf("heap=%d: %q", size, exc)
			}
			h.eval("1")
		}
	},
	"largest": func(t *testing.T) {
		_, h := prompt(t, simboard.Options{}, "heap=64KiB", "largest=4KiB")
		if _, exc := h.exec("bytearray(4500)"); !strings.Contains(exc, "MemoryError") {
			t.Errorf("a block above the largest: %q", exc)
		}
		if _, exc := h.exec("import gc\nx = [bytearray(3500) for i in range(8)]"); exc != "" {
			t.Errorf("eight blocks below the largest: %q", exc)
		}
	},
	"missing": func(t *testing.T) {
		_, h := prompt(t, simboard.Options{}, "missing=hashlib", "missing=binascii.crc32", "missing=sys.stdin.buffer")
		if _, exc := h.exec("import hashlib"); !strings.Contains(exc, "ImportError: no module named 'hashlib'") {
			t.Error(exc)
		}
		if _, exc := h.exec("from hashlib import sha256"); !strings.Contains(exc, "ImportError") {
			t.Error(exc)
		}
		if got := h.eval("[__import__('sys').modules.get('hashlib'), hasattr(__import__('binascii'), 'crc32'), __import__('binascii').hexlify(b'a'), hasattr(__import__('sys').stdin, 'buffer')]"); got != "[None, False, b'61', False]" {
			t.Error(got)
		}
		h.begin("import sys\nprint('go')\nprint(repr(sys.stdin.read(3)))")
		h.until("go\r\n")
		h.send("a\rb")
		h.until(`'a\nb'`)
	},
	"narrow": func(t *testing.T) {
		big := small
		big.Size = 17 << 20
		_, h := prompt(t, boardWith(big), "narrow")
		h.exec("import vfs, uctypes\nm = vfs.rom_ioctl(2, 0)")
		if _, exc := h.exec("m[1 << 24:]"); !strings.Contains(exc, "OverflowError") {
			t.Errorf("%q", exc)
		}
		if got := h.eval("m[0], m[1 << 24], bytes(m[16777214:16777216]), bytes(uctypes.bytearray_at(uctypes.addressof(m) + (1 << 24), 2)), len(m)"); got != `255 255 b'\xff\xff' b'\xff\xff' 17825792` {
			t.Error(got)
		}
	},
	"busy-main": func(t *testing.T) {
		b := start(t, simboard.Options{}, "busy-main")
		h := connect(t, b)
		h.send("print(1)\r")
		if s, ok := h.tryUntil("1", 100*time.Millisecond); ok {
			t.Errorf("%q from a board whose main.py runs", s)
		}
		h.raw()
	},
	"rom-import": func(t *testing.T) {
		b := start(t, boardWith(small), "rom-import=app")
		deployFiles(t, b, map[string]string{"app.py": "print('app runs')\n"})
		h := connect(t, b)
		h.raw()
		h.send("\x04")
		h.until("app runs\r\n")
		h.until(">")
		if got := h.eval("__import__('sys').modules['app'].__file__"); got != "/rom/app.py" {
			t.Error(got)
		}
	},
	"rom-thread": func(t *testing.T) {
		b := start(t, boardWith(small), "rom-import=app", "rom-thread")
		deployFiles(t, b, map[string]string{"app.py": "import time\nn = 0\ndef run():\n  global n\n  while True:\n    n += 1\n    time.sleep_ms(1)\n"})
		h := connect(t, b)
		h.raw()
		h.send("\x04")
		h.until("raw REPL; CTRL-B to exit\r\n>")
		if out, exc := h.exec("import app, time\na = app.n\nwhile app.n == a: time.sleep_ms(1)\nprint('runs')"); out != "runs\r\n" {
			t.Error(out, exc)
		}
	},
	"watchdog": func(t *testing.T) {
		b := start(t, simboard.Options{}, "watchdog=1500ms")
		h := connect(t, b)
		for said := false; !said && !t.Failed(); { // it may bark just then
			h.until("MicroPython v")
			h.send("import machine; machine.reset_cause() == machine.WDT_RESET\r")
			_, said = h.tryUntil("True\r\n", 1400*time.Millisecond)
		}
		if n := b.Stats().WatchdogResets; n == 0 {
			t.Error("no watchdog reset was counted")
		}
	},
	"old-firmware": func(t *testing.T) {
		_, h := prompt(t, boardWith(small), "old-firmware")
		h.exec("import vfs\nvfs.rom_ioctl(4, 0, 0, b'abcd')\nvfs.rom_ioctl(4, 0, 8192, b'efgh')")
		// Offset 4096, length 4096: the offset is taken for the length.
		if got := h.eval("vfs.rom_ioctl(6, 0), vfs.rom_ioctl(3, 0, 4096, 8192), bytes(vfs.rom_ioctl(2, 0)[:4]), bytes(vfs.rom_ioctl(2, 0)[8192:8196])"); got != `-22 4 b'\xff\xff\xff\xff' b'efgh'` {
			t.Error(got)
		}
	},
	"no-rom": func(t *testing.T) {
		_, h := prompt(t, simboard.Options{}, "no-rom")
		if got := h.eval("hasattr(__import__('vfs'), 'rom_ioctl')"); got != "False" {
			t.Error(got)
		}
	},
}

// abortedPaste sends a program that is too long and checks how the board says so.
func abortedPaste(t *testing.T, h *host) {
	t.Helper()
	h.send("\x05A\x01")
	h.until("\x01\x80\x00\x01")
	h.send("print(1)#" + strings.Repeat("x", 150))
	h.until("\x04")
	h.send("more\x04")
	if got := h.until("\x04>"); got != "\x04MemoryError: memory allocation failed, allocating 1024 bytes\r\n\x04>" {
		t.Errorf("%q", got)
	}
}

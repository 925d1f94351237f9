//go:build linux

package simboard_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rules_romfs/packager/simboard"
)

// small is a board with one little partition.
var small = simboard.Partition{Name: "romfs0", Size: 64 << 10, Erase: 4096, Write: 4}

func boardWith(parts ...simboard.Partition) simboard.Options {
	return simboard.Options{Partitions: parts}
}

// faultTests shows what each fault does, by the fault's name.
var faultTests = map[string]func(t *testing.T){
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
			for b.Stats().Boots <= boots+i {
				time.Sleep(time.Millisecond)
			}
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
		for h = nil; h == nil; time.Sleep(5 * time.Millisecond) {
			if f, err := os.OpenFile(link, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0); err == nil {
				defer f.Close()
				h = &host{t: t, conn: f}
			}
		}
		h.send("\r\x03print('again')\r")
		h.until("\nagain\r\n")
	},
	"cut-byte": func(t *testing.T) {
		b := start(t, simboard.Options{}, "cut-byte=20")
		h := connect(t, b)
		h.send("\r\x03print('a')\r")
		h.until("\na\r\n")
		h.send("print('b')\r")
		if err := b.WaitOff(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.PowerOn()
		h.until("MicroPython v")
		h.send("print('c')\r")
		h.until("\nc\r\n")
	},
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
			if free > size+256 || free < size*3/4-2048 {
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
	"erase-time": func(t *testing.T) {
		b, h := prompt(t, boardWith(small), "erase-time=20ms")
		began := time.Now()
		h.exec("import vfs\nvfs.rom_ioctl(3, 0, 65536)")
		if d := time.Since(began); d < 320*time.Millisecond {
			t.Errorf("erasing 16 blocks took only %v", d)
		}
		if d := b.Stats().FlashTime(20*time.Millisecond, 0); d != 320*time.Millisecond {
			t.Errorf("the model says %v", d)
		}
	},
	"program-time": func(t *testing.T) {
		_, h := prompt(t, boardWith(small), "program-time=10ms")
		began := time.Now()
		h.exec("import vfs\nvfs.rom_ioctl(4, 0, 0, bytes(4096))")
		if d := time.Since(began); d < 160*time.Millisecond {
			t.Errorf("programming 16 pages took only %v", d)
		}
	},
	"no-range": func(t *testing.T) {
		b, h := prompt(t, boardWith(small), "no-range")
		if got := h.eval("__import__('vfs').rom_ioctl(3, 0, 65536 + 8192)"); got != "4" {
			t.Error(got)
		}
		if got := h.eval("__import__('vfs').rom_ioctl(4, 0, 65534, b'abcd')"); got != "0" {
			t.Error(got)
		}
		if v := b.Stats().Violations; len(v) != 3 || !strings.Contains(v[0], "behind the end of partition 0") {
			t.Errorf("%q", v)
		}
		_, h = prompt(t, boardWith(small))
		if got := h.eval("__import__('vfs').rom_ioctl(3, 0, 65537), __import__('vfs').rom_ioctl(4, 0, 65534, b'abcd')"); got != "-22 -22" {
			t.Error("without the fault:", got)
		}
	},
	"unaligned-fails": func(t *testing.T) {
		_, h := prompt(t, boardWith(small), "unaligned-fails")
		h.exec("import vfs")
		if got := h.eval("vfs.rom_ioctl(4, 0, 2, b'abcd'), vfs.rom_ioctl(4, 0, 0, b'abc'), vfs.rom_ioctl(4, 0, 0, b'abcd')"); got != "-22 -22 0" {
			t.Error(got)
		}
	},
	"short-hangs": func(t *testing.T) {
		b, h := prompt(t, boardWith(small), "short-hangs")
		h.begin("import vfs\nprint(vfs.rom_ioctl(4, 0, 0, b'abcd'))\nvfs.rom_ioctl(4, 0, 0, b'abc')")
		h.until("0\r\n")
		for range 2 { // once by itself, once with Ctrl-C
			if s, ok := h.tryUntil("\x04", 200*time.Millisecond); ok {
				t.Errorf("a write that never ends ended: %q", s)
			}
			h.send("\x03\x03")
		}
		b.Reset()
		h.until("MicroPython v")
	},
	"source-fault": func(t *testing.T) {
		b, h := prompt(t, boardWith(small), "source-fault")
		h.begin("import vfs\nm = vfs.rom_ioctl(2, 0)\nprint(vfs.rom_ioctl(4, 0, 4096, bytes(m[:256])))\nvfs.rom_ioctl(4, 0, 8192, m[:256])")
		h.until("0\r\n")
		h.until("MicroPython v")
		if n := b.Stats().Crashes; n != 1 {
			t.Errorf("%d crashes", n)
		}
	},
	"fail": func(t *testing.T) {
		for op, call := range map[string]string{
			"1": "1", "2": "2, 0", "3": "3, 0, 4096", "4": "4, 0, 0, b'abcd'", "6": "6, 0",
		} {
			_, h := prompt(t, boardWith(small), "fail="+op+"@2")
			// The boot code has mounted, and so called op 2, once for every boot.
			first := "True"
			if op == "2" {
				first = "False"
			}
			if got := h.eval("[r if r == -22 else isinstance(r, int) and r >= 0 for r in [__import__('vfs').rom_ioctl(" + call + ") for i in range(2)]]"); got != "["+map[string]string{"True": "True", "False": "-22"}[first]+", -22]" {
				t.Errorf("op %s: %s", op, got)
			}
		}
		blk := small
		blk.BlockDevice = true
		for op, code := range map[string]string{"erase": "d.ioctl(6, 0)", "count": "d.ioctl(4, 0)", "size": "d.ioctl(5, 0)", "write": "d.writeblocks(0, bytes(4096))"} {
			_, h := prompt(t, boardWith(blk), "fail="+op)
			out, exc := h.exec("import vfs\nd = vfs.rom_ioctl(2, 0)\nprint(" + code + ")")
			want := map[string]string{"erase": "-5\r\n", "count": "None\r\n", "size": "None\r\n"}[op]
			if out != want || (op == "write") != strings.Contains(exc, "OSError: 5") && !strings.Contains(exc, "OSError: [Errno 5] EIO") {
				t.Errorf("%s: %q %q", op, out, exc)
			}
		}
	},
	"wrong-erase": func(t *testing.T) {
		blk := small
		blk.BlockDevice = true
		b, h := prompt(t, boardWith(blk), "wrong-erase")
		h.exec("import vfs\nd = vfs.rom_ioctl(2, 0)\nd.writeblocks(0, b'ab', 0)")
		if got := h.eval("d.ioctl(6, 0), bytes(memoryview(d)[:2]), d.writeblocks(0, bytes(4096)), memoryview(d)[0]"); got != "0 b'ab' None 0" {
			t.Error(got)
		}
		if v := b.Stats().Violations; len(v) != 1 || v[0] != "block 0 of the other file system was erased" {
			t.Errorf("%q", v)
		}
	},
	"bad-block":  func(t *testing.T) { badBlock(t, "bad-block=2", true) },
	"weak-block": func(t *testing.T) { badBlock(t, "weak-block=2", false) },
	"cut": func(t *testing.T) {
		b, h := prompt(t, boardWith(small), "cut=17+100+3")
		h.begin("import vfs\nfor i in range(16): vfs.rom_ioctl(3, 0, i * 4096, 4096)\nvfs.rom_ioctl(4, 0, 0, bytes(1024))")
		if err := b.WaitOff(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := append(make([]byte, 356), 0xf8)
		if got := b.Contents(0); !bytes.HasPrefix(got, want) || bytes.Count(got[357:], []byte{0xff}) != len(got)-357 {
			t.Errorf("a cut in step 17 after 100 bytes and 3 bits left % x", got[350:364])
		}
		if n := b.Stats().PowerCuts; n != 1 {
			t.Errorf("%d cuts were counted", n)
		}
	},
	"power-back": func(t *testing.T) {
		_, h := prompt(t, boardWith(small), "cut=0", "power-back=10ms")
		h.send("__import__('vfs').rom_ioctl(3, 0, 4096)\x04")
		h.until("MicroPython v")
	},
}

// TestFaults shows the effect of every fault that the help lists.
func TestFaults(t *testing.T) {
	t.Parallel()
	var named []string
	for line := range strings.Lines(simboard.FaultHelp()) {
		usage, doc, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, _, _ := strings.Cut(usage, "=")
		named = append(named, name)
		if strings.TrimSpace(doc) == "" {
			t.Errorf("%s has no explanation", name)
		}
	}
	for name, test := range faultTests {
		if !slices.Contains(named, name) {
			t.Errorf("there is a test for %q, but no such fault", name)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
	for _, name := range named {
		if faultTests[name] == nil {
			t.Errorf("fault %q has no test", name)
		}
	}
}

// disturbed sends many bytes over a link that spoils some of them, and counts what arrives.
func disturbed(t *testing.T, fault string, sign int) {
	b := start(t, simboard.Options{}, fault+"=100", "seed=3")
	h := connect(t, b)
	// The command itself must arrive: it is repeated until it does.
	for {
		h.send("\r\x03\x03\rimport sys;sys.stdin.buffer.read(1)\r")
		if _, ok := h.tryUntil("read(1)\r\n", 200*time.Millisecond); ok {
			break
		}
	}
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

// badBlock programs a block twice and checks which bits took.
func badBlock(t *testing.T, fault string, ever bool) {
	b, h := prompt(t, boardWith(small), fault)
	write := "import vfs\nvfs.rom_ioctl(3, 0, 0, 16384)\nfor i in range(4): vfs.rom_ioctl(4, 0, i * 4096, bytes(4096))"
	h.exec(write)
	wrong := func() (n int) {
		for i, c := range b.Contents(0)[:16384] {
			if c != 0 {
				n++
				if i < 8192 || i >= 12288 {
					t.Errorf("byte %d is wrong, outside block 2", i)
				}
			}
		}
		return n
	}
	if n := wrong(); n != 16 {
		t.Errorf("%d bytes of 16 pages are wrong", n)
	}
	h.exec(write)
	if n := wrong(); (n == 16) != ever || n != 0 && n != 16 {
		t.Errorf("after another erase and program %d bytes are wrong", n)
	}
}

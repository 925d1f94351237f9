//go:build linux

package simboard_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"rules_romfs/packager/simboard/simtest"
)

// flashFaults shows what each fault of the flash does, by the fault's name.
var flashFaults = map[string]func(t *testing.T){
	"erase-time": func(t *testing.T) {
		b, h := prompt(t, boardWith(small), "erase-time=20ms")
		began := time.Now()
		h.exec("import vfs\nvfs.rom_ioctl(3, 0, 65536)")
		if d := time.Since(began); d < 320*time.Millisecond {
			t.Errorf("erasing 16 blocks took only %v", d)
		}
		if d := simtest.FlashTime(b.Stats(), 20*time.Millisecond, 0); d != 320*time.Millisecond {
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
	"unaligned-fails": func(t *testing.T) {
		_, h := prompt(t, boardWith(small), "unaligned-fails")
		h.exec("import vfs")
		if got := h.eval("vfs.rom_ioctl(4, 0, 2, b'abcd'), vfs.rom_ioctl(4, 0, 0, b'abc'), vfs.rom_ioctl(4, 0, 0, b'abcd')"); got != "-22 -22 0" {
			t.Error(got)
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
		blk.Driver = "nrf"
		for op, code := range map[string]string{"erase": "d.ioctl(6, 0)", "count": "d.ioctl(4, 0)", "size": "d.ioctl(5, 0)", "write": "d.writeblocks(0, bytes(4096))"} {
			_, h := prompt(t, boardWith(blk), "fail="+op)
			out, exc := h.exec("import vfs\nd = vfs.rom_ioctl(2, 0)\nprint(" + code + ")")
			want := map[string]string{"erase": "-5\r\n", "count": "None\r\n", "size": "None\r\n"}[op]
			if out != want || (op == "write") != strings.Contains(exc, "OSError: 5") && !strings.Contains(exc, "OSError: [Errno 5] EIO") {
				t.Errorf("%s: %q %q", op, out, exc)
			}
		}
	},
	"bad-block":  func(t *testing.T) { badBlock(t, "bad-block=2", true) },
	"weak-block": func(t *testing.T) { badBlock(t, "weak-block=2", false) },
	"cut": func(t *testing.T) {
		b, h := prompt(t, boardWith(small), "cut=17+100+3")
		h.begin("import vfs\nfor i in range(16): vfs.rom_ioctl(3, 0, i * 4096, 4096)\nvfs.rom_ioctl(4, 0, 0, bytes(1024))")
		waitOff(t, b)
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

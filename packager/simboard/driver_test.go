//go:build linux

package simboard_test

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/board"
	"rules_romfs/packager/simboard"
)

func num(n int64) string { return strconv.FormatInt(n, 10) }

// TestROMIoctl calls rom_ioctl from Python on each kind of segment. What the
// ports do with each call is the matter of package drivers.
func TestROMIoctl(t *testing.T) {
	t.Parallel()
	const size = 256 << 10
	type call struct{ expr, want string }
	for driver, calls := range map[string][]call{
		"stm32-qspi": {
			{"io(1), io(6, 0), len(m), hasattr(m, 'ioctl')", "1 4096 262144 False"},
			{"io(1, 7), io(2, 1), io(3, 1, 0), io(4, 1, 0, b''), io(5, 0), io(7, 0), io(3, 0)", "1 -22 -22 -22 -22 -22 -22"},
			{"io(4, 0, 4095, b'abc'), bytes(m[4094:4099])", `0 b'\xffabc\xff'`},
			{"io(4, 0, 4095, b'\\x0f'), m[4095]", "0 1"}, // 'a' & 0x0f
			{"io(3, 0, 4096, 1), bytes(m[4094:4099])", `4 b'\xff\x01\xff\xff\xff'`},
			{"io(3, 0, 1), bytes(m[4094:4099])", `4 b'\xff\xff\xff\xff\xff'`},
			{"io(3, 0, 262145), io(3, 0, 4096, 262144), io(4, 0, 262143, b'ab')", "-22 -22 -22"},
			{"io(3, 0, 0), io(4, 0, 0, b'')", "4 0"},
		},
		"stm32-internal-h7": {
			{"io(4, 0, 0, b'x' * 32), io(4, 0, 0, b'\\0' * 32), bytes(m[:32]) == bytes(32)", "0 0 False"}, // a word that was programmed twice
		},
		"alif-mram": {
			{"io(6, 0), io(4, 0, 0, b'0123456789abcdef'), io(3, 0, 4096), bytes(m[:4])", "16 0 16 b'0123'"},
			{"io(4, 0, 0, b'ABCD'), bytes(m[:4]), bytes(m[4:16]) == b'456789abcdef'", "0 b'ABCD' False"}, // what lay behind the buffer
		},
		"nrf": {
			{"io(1), io(2, 5) is not None, io(6, 0), io(3, 0, 4096), io(4, 0, 0, b'abcd')", "1 True -22 -22 -22"}, // the id is not looked at
			{"m.ioctl(4, 0), m.ioctl(5, 0), m.ioctl(6, 0), m.ioctl(3, 0), m.ioctl(1, 0), m.ioctl(9, 0)", "64 4096 0 0 0 None"},
			{"m.writeblocks(1, b'abcd', 8), bytes(memoryview(m)[4104:4110])", `0 b'abcd\xff\xff'`},
			{"m.writeblocks(1, b'x' * 4096), bytes(memoryview(m)[4104:4110])", "0 b'xxxxxx'"},
			{"[m.readblocks(1, buf), buf[:2]][1], [m.readblocks(0, buf, 4095), buf[:2]][1]", `bytearray(b'xx') bytearray(b'\xffx')`},
		},
		"rp2":  {{"m.writeblocks(1, b'abcd', 0), bytes(memoryview(m)[4096:4100])", "None b'abcd'"}},
		"qemu": {{"io(1), len(m), io(3, 0, 4096), io(4, 0, 0, b'a'), io(5, 0), io(6, 0)", "1 262144 -22 -22 -22 -22"}},
	} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			_, h := prompt(t, boardWith(simboard.Partition{Driver: driver, Size: size}))
			h.exec("import vfs\nio = vfs.rom_ioctl\nm = io(2, 0)\nbuf = bytearray(8)")
			for _, c := range calls {
				if got := h.eval(c.expr); got != c.want {
					t.Errorf("%s: got %s, want %s", c.expr, got, c.want)
				}
			}
		})
	}
}

// TestWriteFromFlash writes what lies in the flash itself: a hard fault where
// the driver takes the bus first, and no matter elsewhere.
func TestWriteFromFlash(t *testing.T) {
	t.Parallel()
	b, h := prompt(t, boardWith(small))
	h.begin("import vfs\nm = vfs.rom_ioctl(2, 0)\nprint(vfs.rom_ioctl(4, 0, 4096, bytes(m[:256])))\nvfs.rom_ioctl(4, 0, 8192, m[:256])")
	h.until("0\r\n")
	h.until("MicroPython v")
	if n := b.Stats().Crashes; n != 1 {
		t.Errorf("%d crashes", n)
	}
	internal := small
	internal.Driver = "stm32-internal-f4"
	_, h = prompt(t, boardWith(internal))
	if got := h.eval("__import__('vfs').rom_ioctl(4, 0, 8192, __import__('vfs').rom_ioctl(2, 0)[:256])"); got != "0" {
		t.Error(got)
	}
}

// TestHang writes what alif's driver never ends with: Ctrl-C does not help, a
// reset does.
func TestHang(t *testing.T) {
	t.Parallel()
	ospi := small
	ospi.Driver = "alif-ospi"
	b, h := prompt(t, boardWith(ospi))
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
}

// TestPartitions has several partitions, none, and one of no bytes.
func TestPartitions(t *testing.T) {
	t.Parallel()
	one := simboard.Partition{Base: 0x70800000, Size: 64 << 10}
	two := simboard.Partition{Driver: "alif-mram", Base: 0x8047e000, Size: 32 << 10}
	none := simboard.Partition{}

	_, h := prompt(t, boardWith(one, two))
	h.exec("import vfs, uctypes\nio = vfs.rom_ioctl")
	for expr, want := range map[string]string{
		"io(1), len(io(2, 0)), len(io(2, 1)), io(2, 2)":                              "2 65536 32768 -22",
		"[hex(uctypes.addressof(io(2, i))) for i in range(2)]":                       "['0x70800000', '0x8047e000']",
		"io(4, 1, 0, b'0123456789abcdef'), bytes(io(2, 0)[:2]), bytes(io(2, 1)[:2])": `0 b'\xff\xff' b'01'`,
	} {
		if got := h.eval(expr); got != want {
			t.Errorf("%s: got %s, want %s", expr, got, want)
		}
	}
	b, h := prompt(t, simboard.Options{Partitions: []simboard.Partition{}})
	if got := h.eval("__import__('vfs').rom_ioctl(1), __import__('vfs').rom_ioctl(2, 0)"); got != "0 -22" {
		t.Error(got)
	}
	if out := run(t, peer.Mpremote(t), "connect", b.PTY(), "romfs", "query"); !strings.Contains(out, "No ROMFS partitions available") {
		t.Error(out)
	}
	_, h = prompt(t, boardWith(none))
	if got := h.eval("__import__('vfs').rom_ioctl(1), len(__import__('vfs').rom_ioctl(2, 0)), __import__('vfs').rom_ioctl(3, 0, 4)"); got != "1 0 -22" {
		t.Error(got)
	}
	b, _ = prompt(t, simboard.Options{NoROM: true})
	if out := run(t, peer.Mpremote(t), "connect", b.PTY(), "romfs", "query"); !strings.Contains(out, "ROMFS is not enabled on this device") {
		t.Error(out)
	}
}

// TestProfiles starts every built-in board, and asks it what it is.
func TestProfiles(t *testing.T) {
	t.Parallel()
	for _, p := range board.Builtin() {
		t.Run(p.ID, func(t *testing.T) {
			t.Parallel()
			var o simboard.Options
			size := "256KiB"
			if p.NoROM != "" || len(p.Partitions) > 0 && p.Partitions[0].Size != 0 {
				size = ""
			}
			if err := o.SetBoard(p.ID, size); err != nil {
				t.Fatal(err)
			}
			b, h := prompt(t, o)
			machine := h.eval("__import__('sys').implementation._machine")
			if !p.Runs(machine) {
				t.Errorf("the profile does not know its own machine %q", machine)
			}
			if machine != b.Machine() {
				t.Errorf("Machine says %q, the board %q", b.Machine(), machine)
			}
			var impl int64
			fmt.Sscan(h.eval("__import__('sys').implementation._mpy"), &impl)
			if arch := impl >> 10 & 15; arch == 0 && p.MPY.Archs[0] != "none" {
				t.Errorf("_mpy %#x names no architecture, want %s", impl, p.MPY.Archs[0])
			}
			if p.NoROM != "" {
				if got := h.eval("hasattr(__import__('vfs'), 'rom_ioctl')"); got != "False" {
					t.Errorf("a board without ROM partitions has rom_ioctl: %s", got)
				}
				return
			}
			h.exec("import vfs, uctypes\nio = vfs.rom_ioctl")
			for i, q := range p.Partitions {
				want := fmt.Sprintf("%d %t", len(p.Partitions), q.Segment == "blockdev")
				if got := strings.ToLower(h.eval(fmt.Sprintf("io(1), hasattr(io(2, %d), 'ioctl')", i))); got != want {
					t.Errorf("partition %d: got %s, want %s", i, got, want)
				}
				if q.Size > 0 {
					if got := h.eval(fmt.Sprintf("len(memoryview(io(2, %d)))", i)); got != num(q.Size) {
						t.Errorf("partition %d has %s bytes, want %d", i, got, q.Size)
					}
				}
				if q.Base > 0 {
					if got := h.eval(fmt.Sprintf("uctypes.addressof(io(2, %d))", i)); got != strconv.FormatUint(q.Base, 10) {
						t.Errorf("partition %d lies at %s, want %#x", i, got, q.Base)
					}
				}
			}
		})
	}
}

// TestFlashFile keeps the flash in a file over two boards' lives.
func TestFlashFile(t *testing.T) {
	t.Parallel()
	o := boardWith(small)
	o.Flash = filepath.Join(t.TempDir(), "n6.flash")
	b, h := prompt(t, o)
	if b.FlashFile() != o.Flash {
		t.Errorf("FlashFile says %q", b.FlashFile())
	}
	h.exec("import vfs\nvfs.rom_ioctl(4, 0, 100, b'kept')")
	b.Close()
	b, h = prompt(t, o)
	if got := h.eval("bytes(__import__('vfs').rom_ioctl(2, 0)[100:104])"); got != "b'kept'" {
		t.Error(got)
	}
	b.Close()
	o.Partitions[0].Size *= 2
	o.Interpreter = peer.MicroPython(t)
	if _, err := simboard.Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), o.Flash+" has 131072 bytes, but this board's flash takes 196608") {
		t.Errorf("another board's flash file: %v", err)
	}
}

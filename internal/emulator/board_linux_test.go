package emulator

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"rules_romfs/internal/peer"
)

// mpremote runs MicroPython's own tool on the board, which must succeed, and
// returns what it prints.
func (b *bench) mpremote(t testing.TB, args ...string) string {
	t.Helper()
	cmd := exec.Command(peer.Mpremote(t), append([]string{"connect", b.Port}, args...)...)
	cmd.Dir = b.dir
	r := finish(t, cmd)
	if r.code != 0 {
		t.Fatalf("mpremote %s: exit %d\n%s%s", strings.Join(args, " "), r.code, r.stdout, r.stderr)
	}
	return strings.ReplaceAll(strings.TrimSpace(r.stdout), "\r", "")
}

// TestBoard: the board is one that MicroPython's own tool knows its way about,
// with what real ones have.
func TestBoard(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{ID: 0x0807060504030201, Files: map[string]string{
		"boot.py":      "import sys\nbooted = list(sys.path)\n",
		"lib/there.py": "X = 7\n",
	}}, "")
	for code, want := range map[string]string{
		"import sys; print(sys.platform, sys.maxsize, sys.implementation._machine)": "emulated 2147483647 rules_romfs emulated board with Cortex-M3",
		"print(booted)": "['', '.frozen', '/flash', '/flash/lib']",
		"import there; print(there.X, there.__file__)":                                                                     "7 /flash/lib/there.py",
		"import os; print(os.getcwd(), os.listdir('/'))":                                                                   "/flash ['flash']",
		"import machine; print(machine.unique_id(), machine.reset_cause() == machine.PWRON_RESET)":                         `b'\x01\x02\x03\x04\x05\x06\x07\x08' True`,
		"import asyncio\nasync def f():\n await asyncio.sleep_ms(5)\n return 3\nprint(asyncio.run(f()), asyncio.__file__)": "3 asyncio/__init__.py",
		"import machine, time\nn = 0\ndef f(t):\n global n\n n += 1\nt = machine.Timer(period=2, callback=f)\n" +
			"while n < 3: time.sleep_ms(1)\nt.deinit()\nprint('ticked')": "ticked",
		"import time\nt = time.ticks_ms()\ntime.sleep_ms(30)\nprint(time.ticks_diff(time.ticks_ms(), t) >= 30)": "True",
		"import select, sys\np = select.poll()\np.register(sys.stdin, select.POLLIN)\nprint(p.poll(5))":         "[]",
		"import emulated; print(emulated.stats()['bad'], emulated.stats()['boots'])":                            "0 1",
		"import gc; gc.collect(); print(gc.mem_free() + gc.mem_alloc() > 120000)":                               "True",
	} {
		if got := b.mpremote(t, "exec", code); got != want {
			t.Errorf("%s\nprints %s, want %s", code, got, want)
		}
	}
}

// TestStartsAnew: machine.reset() is a hard reset, after which the memory is as
// it was; a board whose power was cut and came back has its files too.
func TestStartsAnew(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{}, "")
	b.mpremote(t, "exec", "with open('kept', 'w') as f: f.write('yes')")
	b.mpremote(t, "reset")
	for deadline := time.Now().Add(time.Minute); b.Counters().Boots < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not reset")
		}
	}
	if got := b.mpremote(t, "exec", "import machine; print(open('kept').read(), machine.reset_cause() == machine.HARD_RESET)"); got != "yes True" {
		t.Error(got)
	}
	b.PowerOff()
	b.PowerOn(t)
	if got := b.mpremote(t, "exec", "import machine; print(open('kept').read(), machine.reset_cause() == machine.PWRON_RESET)"); got != "yes True" {
		t.Error(got)
	}
}

// TestCells shows that the board notices what it counts: rom_ioctl as a careless
// driver calls it.
func TestCells(t *testing.T) {
	t.Parallel()
	const rom = "from vfs import rom_ioctl as r\nfrom emulated import stats\n"
	for name, c := range map[string]struct {
		Options
		code, want string
	}{
		"nor":                 {Options{}, "print(r(3, 0, 0, 9000), r(4, 0, 0, b'\\x0f\\x0f\\x0f\\x0f'), r(4, 0, 0, b'\\x03\\x0f\\x0f\\x0f'), bytes(r(2, 0)[:4]), stats()['erases'], stats()['bad'])", "4 0 0 b'\\x03\\x0f\\x0f\\x0f' 3 0"},
		"nor without erase":   {Options{}, "r(3, 0, 0, 4096); r(4, 0, 0, bytes(4)); print(r(4, 0, 0, b'abcd'), bytes(r(2, 0)[:4]), stats()['bad'])", "0 b'\\x00\\x00\\x00\\x00' 4"},
		"unaligned":           {Options{Write: 8}, "print(r(4, 0, 4, bytes(8)), r(4, 0, 8, bytes(4)), r(3, 0, 100, 8), stats()['unaligned'])", "-22 -22 -22 3"},
		"outside":             {Options{}, "print(r(4, 0, 131072, bytes(4)), r(3, 0, 131072, 4096), r(3, 0, 135000), stats()['outside'])", "-22 -22 -22 3"},
		"once":                {Options{Cells: Once, Write: 16, Report: 8}, "print(r(3, 0, 0, 16), r(4, 0, 16, bytes(32)), r(4, 0, 32, bytes(16)), stats()['twice'], r(3, 0, 0, 64), r(4, 0, 32, bytes(16)), stats()['twice'])", "8 0 0 1 8 0 1"},
		"mram":                {Options{Cells: MRAM, Write: 16, Erase: 16}, "print(r(3, 0, 0, 64), r(4, 0, 0, bytes(16)), r(4, 0, 0, b'a' * 16), bytes(r(2, 0)[:2]), stats()['erases'], stats()['bad'])", "16 0 0 b'aa' 0 0"},
		"rewritten":           {Options{Cells: Rewritten}, "print(r(3, 0, 0, 4096), r(4, 0, 0, b'abcd'), r(4, 0, 0, b'efgh'), bytes(r(2, 0)[:4]), stats()['erases'], stats()['programs'])", "4 0 0 b'efgh' 3 64"},
		"read-only":           {Options{Cells: ReadOnly, Image: []byte("\xd2\xcd1\x00")}, "print(r(3, 0, 0, 4096), r(4, 0, 0, bytes(4)), r(6, 0), bytes(r(2, 0)[:3]))", `-22 -22 -22 b'\xd2\xcd1'`},
		"older firmware":      {Options{NoOp6: true}, "print(r(6, 0), r(3, 0, 4097, 4), stats()['erases'])", "-22 4 2"},
		"source":              {Options{}, "print(r(4, 0, 4096, r(2, 0)[:4]), stats()['source'])", "-22 1"},
		"none":                {Options{NoROM: true}, "print(r(1), r(2, 0), r(3, 0, 4))", "0 -22 -22"},
		"blocks":              {Options{Segment: Blocks}, "d = r(2, 0)\nprint(d.ioctl(4, 0), d.ioctl(5, 0), d.ioctl(6, 1), d.writeblocks(0, b'a' * 4096), d.writeblocks(1, b'b' * 4, 8), stats()['erases'], stats()['bad'], r(3, 0, 4), r(6, 0))\nb = bytearray(4); d.readblocks(1, b, 8); print(b)", "32 4096 0 None None 2 0 -22 -22\nbytearray(b'bbbb')"},
		"rewritten as blocks": {Options{Segment: Blocks, Cells: Rewritten}, "d = r(2, 0)\nprint(d.ioctl(6, 0), stats()['outside'])", "0 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := newBench(t, c.Options, "").mpremote(t, "exec", rom+c.code); got != c.want {
				t.Errorf("%s\nprints %s\nwant   %s", c.code, got, c.want)
			}
		})
	}
}

// TestSelftest: the test that users run on their boards passes on this one.
func TestSelftest(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{Cells: Once, Write: 16, Erase: 8192}, "erase: 8192, write: 16, segment: memoryview, medium: ecc")
	if r := b.romfs(t, "selftest", "--erase", "--size", "12KiB"); r.code != 0 {
		t.Errorf("exit %d", r.code)
	}
	if c := b.Counters(); c.Violations() > 0 {
		t.Errorf("the board counted %+v", c)
	}
}

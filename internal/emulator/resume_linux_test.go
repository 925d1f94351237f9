package emulator

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestInterrupted: Ctrl-C, or the end of romfs without a word, leave a board
// that mounts no half image, and the next deploy goes on where that one stopped.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		signal os.Signal
		code   int
	}{
		"ctrl-c": {os.Interrupt, 130},
		"kill":   {syscall.SIGKILL, -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// So slow that the deploy lasts for seconds after the third block, on any machine.
			b := newBench(t, Options{EraseTime: 500 * time.Millisecond}, "erase: 4096, write: 4, segment: memoryview")
			files := app(1)
			files["more.bin"] = random(2, 20000)
			image := b.image(t, "app", files)
			cmd, ended := b.deploying(t, 3*(2+2*16), "app.romfs")
			if err := cmd.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			<-ended
			if code := cmd.ProcessState.ExitCode(); code != c.code {
				t.Errorf("exit %d", code)
			}
			if c.signal == os.Interrupt {
				if got := b.mpremote(t, "resume", "exec", "print(1 + 1)"); got != "2" {
					t.Errorf("the REPL answers %q", got)
				}
			}
			r := b.deploys(t, "app.romfs")
			if r.Status != "deployed" || r.Changed >= r.Blocks {
				t.Errorf("it did not go on where it stopped: %+v", r)
			}
			b.holds(t, image)
		})
	}
}

// TestNoCtrlC: firmware that takes no Ctrl-C is left at its REPL too, by a deploy
// that is refused and by one that ends without a word.
func TestNoCtrlC(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{DeafToC: true, EraseTime: 500 * time.Millisecond}, "erase: 4096, write: 4, segment: memoryview")
	image := b.image(t, "app", app(1))
	if r := b.romfs(t, "deploy", "app.romfs", "-p", "1"); r.code != 9 {
		t.Errorf("exit %d for a partition that is not there", r.code)
	}
	cmd, ended := b.deploying(t, 2+2*16, "app.romfs")
	cmd.Process.Kill()
	<-ended
	b.deploys(t, "app.romfs", "--import", "app")
	b.holds(t, image)
}

// TestRefused: what cannot work is refused before anything is erased.
func TestRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		Options
		profile string
		file    func(image []byte) []byte
		code    int
		want    string
	}{
		"damaged":   {Options{}, "", func(b []byte) []byte { return append([]byte{0}, b[1:]...) }, 5, "not a ROMFS image"},
		"too large": {Options{Size: 4096}, "", func(b []byte) []byte { return b }, 9, ""},
		"no ROM":    {Options{NoROM: true}, "", func(b []byte) []byte { return b }, 9, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, c.Options, c.profile)
			b.write(t, "given.romfs", string(c.file(b.image(t, "app", app(1)))))
			r := b.romfs(t, "deploy", "given.romfs")
			if r.code != c.code || !strings.Contains(r.stderr, c.want) {
				t.Errorf("exit %d, %s", r.code, r.stderr)
			}
			if n := b.Counters(); n.Erases+n.Programs > 0 {
				t.Errorf("the flash was changed: %+v", n)
			}
			if got := b.mpremote(t, "resume", "exec", "print(1 + 1)"); got != "2" {
				t.Errorf("the REPL answers %q", got)
			}
		})
	}
}

// TestLittleHeaps: a deploy needs little memory, and from 16 KB on what it takes
// is there at the first try.
func TestLittleHeaps(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"14": {Heap: 14 << 10}, "16": {Heap: 16 << 10}, "24": {Heap: 24 << 10}, "32": {Heap: 32 << 10}, "64": {Heap: 64 << 10},
		"16 without op 6": {Heap: 16 << 10, NoOp6: true}, "32 without op 6": {Heap: 32 << 10, NoOp6: true},
		"16 as blocks": {Heap: 16 << 10, Segment: Blocks},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, o, "")
			image := b.image(t, "app", app(1))
			r := b.romfs(t, "deploy", "app.romfs")
			if r.code != 0 {
				t.Fatalf("exit %d", r.code)
			}
			if o.Heap >= 16<<10 && strings.Contains(r.stderr, "memory") {
				t.Errorf("%s", r.stderr)
			}
			b.holds(t, image)
			b.image(t, "app2", app(30))
			b.deploys(t, "app2.romfs", "--import", "app")
			if r := b.romfs(t, "deploy", "app2.romfs", "--verify-only"); r.code != 0 {
				t.Errorf("exit %d", r.code)
			}
		})
	}
}

// TestTooLittleHeap: that memory will not do is said before anything is erased, and what will.
func TestTooLittleHeap(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{Heap: 14 << 10, Segment: Blocks}, "")
	b.image(t, "app", app(1))
	r := b.romfs(t, "deploy", "app.romfs")
	if r.code != 7 || !strings.Contains(r.stderr, "nothing was changed; 16 KiB of free heap are enough where a block has 4 KiB") {
		t.Errorf("exit %d, %s", r.code, r.stderr)
	}
	if n := b.Counters(); n.Erases+n.Programs > 0 {
		t.Errorf("the flash was changed: %+v", n)
	}
	if got := b.mpremote(t, "resume", "exec", "print(1 + 1)"); got != "2" {
		t.Errorf("the REPL answers %q", got)
	}
}

// TestBusyBoards: what a board is doing when the deploy comes does not matter.
func TestBusyBoards(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]map[string]string{
		"prints":  {"main.py": "while True: print('~=1234~ text that looks like frames', 2 * '\\x04')\n"},
		"asyncio": {"main.py": "import asyncio\nasync def f():\n  while True:\n    print('tick')\n    await asyncio.sleep_ms(1)\nasyncio.run(f())\n"},
		"catches": {"main.py": "import time\nn = 0\nwhile True:\n  try:\n    time.sleep_ms(10)\n  except KeyboardInterrupt:\n    n += 1\n    print('caught', n)\n"},
		"timer":   {"boot.py": "import machine\nt = machine.Timer(period=10, callback=lambda t: print('tick'))\n"},
		"memory":  {"boot.py": "kept = [bytearray(700) for i in range(16)]\ndel kept[::2]\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, Options{Files: files}, "")
			image := b.image(t, "app", app(1))
			b.deploys(t, "app.romfs", "--import", "app")
			b.holds(t, image)
		})
	}
}

// TestMpremote: MicroPython's own tool deploys to the board too; each tool
// understands what the other has left.
func TestMpremote(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"memoryview": {}, "without op 6": {NoOp6: true}, "blocks": {Segment: Blocks}, "once": {Cells: Once, Write: 16},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, o, "erase: 4096, write: 4")
			first, second := b.image(t, "first", app(1)), b.image(t, "second", app(20))
			b.mpremote(t, "romfs", "deploy", "first.romfs")
			b.holds(t, first)
			if r := b.romfs(t, "deploy", "first.romfs", "--verify-only"); r.code != 0 {
				t.Errorf("exit %d", r.code)
			}
			b.mpremote(t, "romfs", "deploy", "second.romfs")
			b.holds(t, second)
			if got := b.mpremote(t, "romfs", "query"); !strings.Contains(got, "ROMFS image size: ") {
				t.Error(got)
			}
			if got := b.mpremote(t, "exec", "import app, sys; print(app.VERSION, sys.path)"); got != "20 ['', '.frozen', '/rom', '/rom/lib', '/flash', '/flash/lib']" {
				t.Error(got)
			}
		})
	}
}

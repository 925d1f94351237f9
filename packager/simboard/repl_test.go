//go:build linux

package simboard_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rules_romfs/packager/simboard"
)

func TestFriendlyREPL(t *testing.T) {
	t.Parallel()
	b := start(t, simboard.Options{Machine: "Testboard with STM32N6", Release: "1.28.0"})
	for name, h := range map[string]*host{"pty": open(t, b), "tcp": connect(t, b)} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			h.send("\r\x03print('in', 'step')\r")
			h.until("in step\r\n>>> ")
			h.send("\x02")
			h.until("MicroPython v1.28.0 on 2026-08-19; Testboard with STM32N6\r\nType \"help()\" for more information.\r\n>>> ")
			for _, tc := range []struct{ in, want string }{
				{"1+2\r", "1+2\r\n3\r\n>>> "},
				{"x = 5\r", "x = 5\r\n>>> "},
				{"x\r", "x\r\n5\r\n>>> "},
				{"1/0\r", "1/0\r\nTraceback (most recent call last):\r\n  File \"<stdin>\", line 1, in <module>\r\nZeroDivisionError: divide by zero\r\n>>> "},
				{"for i in range(2):\r    print(i)\r\r", "for i in range(2):\r\n...     print(i)\r\n... \r\n0\r\n1\r\n>>> "},
				{"print(1,\r2)\r", "print(1,\r\n... 2)\r\n1 2\r\n>>> "},
				{"abx\x7fc\x03", "abx\x08 \x08c\r\n>>> "},
				{"\x05y = 7\rprint(y)\r\x04", "\r\npaste mode; Ctrl-C to cancel, Ctrl-D to finish\r\n=== y = 7\r\n=== print(y)\r\n=== \r\n7\r\n>>> "},
			} {
				h.send(tc.in)
				if got := h.until(tc.want); got != tc.want {
					t.Errorf("%q: got %q, want %q", tc.in, got, tc.want)
				}
			}
			h.send("\x04")
			h.until("MPY: soft reboot\r\nMicroPython v1.28.0")
			h.until(">>> ")
			h.send("x\r")
			h.until("NameError: name 'x' isn't defined\r\n>>> ")
		})
	}
}

// TestBytesThatAreNoText comes at the friendly REPL from a line that flips bits.
func TestBytesThatAreNoText(t *testing.T) {
	t.Parallel()
	b := start(t, simboard.Options{})
	h := connect(t, b)
	h.send("\r\x03x\xf8\r")
	h.until("NameError")
	h.send("print('y' + 'z')\r")
	h.until("\nyz\r\n>>> ")
	if n := b.Stats().Crashes; n != 0 {
		t.Errorf("%d crashes", n)
	}
}

func TestRawREPL(t *testing.T) {
	t.Parallel()
	b, h := prompt(t, simboard.Options{})
	for _, tc := range []struct{ code, out, exception string }{
		{"print('a\\nb')", "a\r\nb\r\n", ""},
		{"import sys\nsys.stdout.buffer.write(b'a\\nb')", "a\nb", ""},
		{"import sys\nsys.stdout.write('a\\n')\nprint('x', file=sys.stdout)", "a\r\nx\r\n", ""},
		{"raise ValueError(3)", "", "Traceback (most recent call last):\r\n  File \"<stdin>\", line 1, in <module>\r\nValueError: 3\r\n"},
		{"def f():\n  g()\nf()", "", "Traceback (most recent call last):\r\n  File \"<stdin>\", line 3, in <module>\r\n  File \"<stdin>\", line 2, in f\r\nNameError: name 'g' isn't defined\r\n"},
		{"a =", "", "Traceback (most recent call last):\r\n  File \"<stdin>\", line 1\r\nSyntaxError: invalid syntax\r\n"},
		{"x = 1", "", ""},
		{"print(x, __name__)", "1 __main__\r\n", ""},
		{"print('é', chr(0x1f600))", "é 😀\r\n", ""},
	} {
		if out, exc := h.exec(tc.code); out != tc.out || exc != tc.exception {
			t.Errorf("%s: got %q and %q, want %q and %q", tc.code, out, exc, tc.out, tc.exception)
		}
	}

	h.send("lost\x03print(2)\x04") // Ctrl-C clears the line
	h.until("OK2\r\n\x04\x04>")
	h.send("lost\x01") // Ctrl-A starts afresh
	h.until("raw REPL; CTRL-B to exit\r\n>")

	h.reset()
	if _, exc := h.exec("x"); !strings.Contains(exc, "NameError") {
		t.Errorf("a soft reset kept the globals: %q", exc)
	}
	for _, code := range []string{"raise SystemExit", "import sys\nsys.exit()", "import machine\nmachine.soft_reset()"} {
		h.send(code + "\x04")
		h.until("OK\x04\x04MPY: soft reboot\r\nraw REPL; CTRL-B to exit\r\n>")
	}
	if got := b.Stats(); got.Boots != 5 || got.Crashes != 0 {
		t.Errorf("%+v", got)
	}
	h.send("\x02")
	h.until("\r\nMicroPython v")
	h.until(">>> ")
}

// TestRawPaste sends programs of every length around the window through
// raw-paste, as the protocol demands it, and never more than the credit.
func TestRawPaste(t *testing.T) {
	t.Parallel()
	for _, window := range []int{32, 128} {
		t.Run(fmt.Sprint(window), func(t *testing.T) {
			t.Parallel()
			_, h := prompt(t, simboard.Options{}, fmt.Sprintf("window=%d", window))
			for n := window - 2; n <= 4*window+1; n += 1 + n%7 {
				code := fmt.Sprintf("print(%d)#", n)
				code += strings.Repeat("x", n-len(code))
				h.send("\x05A\x01")
				if got, want := h.until("\x01"), "R\x01"; got != want {
					t.Fatalf("got %q, want %q", got, want)
				}
				if got, want := h.until("\x01"), string([]byte{byte(window), byte(window >> 8), 1}); got != want {
					t.Fatalf("got %q, want %q", got, want)
				}
				credit := 2 * window // the window, and the 01 that came with it
				granted := 0
				for rest := code; rest != ""; {
					if credit == 0 {
						if got := h.until("\x01"); got != "\x01" {
							t.Fatalf("%q instead of more credit", got)
						}
						credit, granted = credit+window, granted+1
					}
					k := min(credit, len(rest))
					h.send(rest[:k])
					rest, credit = rest[k:], credit-k
				}
				h.send("\x04")
				grants := strings.TrimSuffix(h.until("\x04"), "\x04")
				if strings.Trim(grants, "\x01") != "" || granted+len(grants) != n/window {
					t.Fatalf("%d grants and %q at the end of a paste of %d bytes", granted, grants, n)
				}
				if got, want := h.until("\x04"), fmt.Sprintf("%d\r\n\x04", n); got != want {
					t.Fatalf("got %q, want %q", got, want)
				}
				h.until("\x04>")
			}

			h.send("\x05A\x01")
			h.until("\x01")
			h.until("\x01")
			h.send("print(1)\x03") // Ctrl-C gives up
			h.until("\x04\x04KeyboardInterrupt: \r\n\x04>")
			h.send("\x05B\x01") // an unknown command
			h.until("R\x00>")
			h.exec("pass")
		})
	}
}

// TestWithhold sends more than the credit: nothing comes back for it, and what
// was sent behind the end of the program is the next input.
func TestWithhold(t *testing.T) {
	t.Parallel()
	_, h := prompt(t, simboard.Options{})
	h.send("\x05A\x01")
	h.until("\x01")
	h.until("\x01")
	h.send("print(1)\x04print(2)\x04")
	h.until("\x041\r\n\x04\x04>OK2\r\n\x04\x04>")
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	b, h := prompt(t, simboard.Options{})
	for name, code := range map[string]string{
		"loop":       "while True: pass",
		"allocating": "x = []\nwhile True:\n  x = [i for i in range(100)]",
		"sleeping":   "import time\ntime.sleep(1000)",
		"reading":    "import sys\nsys.stdin.buffer.read(1000)",
		"polling":    "import sys, select\np = select.poll()\np.register(sys.stdin, 1)\nwhile True: p.poll(-1)",
		"printing":   "while True: print('x' * 50)",
	} {
		for range 5 {
			h.begin("print('go')\n" + code)
			h.until("go\r\n")
			h.send("\x03")
			h.until("\x04")
			if exc := h.until("\x04"); !strings.HasSuffix(exc, "KeyboardInterrupt: \r\n\x04") {
				t.Fatalf("%s: %q", name, exc)
			}
			h.until(">")
		}
	}
	h.begin("try:\n  print('go')\n  while True: pass\nexcept KeyboardInterrupt:\n  print('caught')")
	h.until("go\r\n")
	h.send("\x03")
	h.until("caught\r\n\x04\x04>")

	h.begin("import sys, micropython\nmicropython.kbd_intr(-1)\nprint('go')\nprint(sys.stdin.buffer.read(3))")
	h.until("go\r\n")
	h.send("a\x03b")
	h.until("b'a\\x03b'\r\n\x04\x04>")

	h.send("\x03\x03\x03print(1)\x04") // at the prompt it is an ordinary character
	h.until("OK1\r\n")
	h.until("\x04\x04>")
	if s := b.Stats(); s.Crashes > 0 || s.Boots != 1 {
		t.Errorf("%+v", s)
	}
}

// TestInterruptStorm interrupts a program that allocates, often: the heap must
// survive each.
func TestInterruptStorm(t *testing.T) {
	t.Parallel()
	b, h := prompt(t, simboard.Options{}, "heap=48KiB") // little, so that it collects garbage all the time
	h.begin(`
n = 0
print("go")
d = {}
while n < 300:
    try:
        print("n", n)
        while True:
            d[n % 7] = [str(i) for i in range(50)]
    except KeyboardInterrupt:
        n += 1
`)
	h.until("go\r\n")
	for i := range 300 {
		h.until(fmt.Sprintf("n %d\r\n", i))
		h.send("\x03")
	}
	h.until("\x04\x04>")
	if s := b.Stats(); s.Crashes > 0 {
		t.Errorf("%+v", s)
	}
}

func TestStdin(t *testing.T) {
	t.Parallel()
	_, h := prompt(t, simboard.Options{})
	h.begin("import sys\nb = bytearray(5)\nprint('go')\nprint(sys.stdin.buffer.readinto(b), b)")
	h.until("go\r\n")
	h.send("ab\x00")
	if s, ok := h.tryUntil("\x04", 100*time.Millisecond); ok {
		t.Errorf("readinto returned before its buffer was full: %q", s)
	}
	h.send("\xff\r")
	h.until("5 bytearray(b'ab\\x00\\xff\\r')\r\n\x04\x04>")
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	_, h := prompt(t, simboard.Options{Machine: "X with Y", MPY: 7942, Release: "1.27.0", Platform: "pyboard", Serial: "aabb"})
	for expr, want := range map[string]string{
		"__import__('sys').implementation":            "(name='micropython', version=(1, 27, 0, ''), _machine='X with Y', _mpy=7942)",
		"__import__('sys').platform":                  "pyboard",
		"__import__('os').uname().machine":            "X with Y",
		"__import__('os').uname().release":            "1.27.0",
		"__import__('machine').unique_id()":           `b'\xaa\xbb'`,
		"__import__('machine').reset_cause()":         "1",
		"__import__('os').getcwd()":                   "/flash",
		"__import__('os').listdir('/')":               "['flash']",
		"[p for p in __import__('sys').path]":         "['', '.frozen', '/flash', '/flash/lib']",
		"__import__('vfs').rom_ioctl(1)":              "1",
		"len(__import__('vfs').rom_ioctl(2, 0))":      "1048576",
		"__import__('vfs').rom_ioctl(2, 1)":           "-22",
		"'/rom' in __import__('os').listdir('/')":     "False",
		"__import__('sys').modules.get('weather', 1)": "1",
	} {
		if got := h.eval(expr); got != want {
			t.Errorf("%s = %s, want %s", expr, got, want)
		}
	}
}

// TestFiles checks that boot.py and main.py run as a board runs them.
func TestFiles(t *testing.T) {
	t.Parallel()
	b := start(t, simboard.Options{Files: map[string]string{
		"boot.py":       "print('boot'); import helper",
		"main.py":       "print('main', helper.X)\nwhile True: pass",
		"lib/helper.py": "X = 3",
	}})
	h := connect(t, b)
	h.raw()
	h.send("\x04")
	if got, want := h.until("raw REPL; CTRL-B to exit\r\n>"), "OK\r\nMPY: soft reboot\r\nboot\r\nraw REPL; CTRL-B to exit\r\n>"; got != want {
		t.Errorf("soft reset in raw mode: got %q, want %q", got, want)
	}
	h.exec("open('/flash/new.txt', 'w').write('kept')")
	h.send("\x02\x04")
	h.until("MPY: soft reboot\r\nboot\r\nmain 3\r\n")
	h.send("\x03")
	h.until("KeyboardInterrupt: \r\nMicroPython v")
	h.until(">>> ")
	h.send("print(open('/flash/new.txt').read())\r")
	h.until("\r\nkept\r\n>>> ")
}

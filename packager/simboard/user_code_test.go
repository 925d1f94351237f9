//go:build linux

package simboard_test

import (
	"bytes"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/imports"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
)

// A program is what user code consists of, and what it prints when main is
// imported from an image.
type program struct {
	files map[string]string // of the image
	stubs map[string]string // modules that stand in for the hardware
	main  string            // imported
	want  string            // of its output; of its error, with fails
	fails bool
}

// programs are what people's code does that a simulator gets wrong.
var programs = map[string]program{
	"relative imports": {
		files: map[string]string{
			"pkg/__init__.py": "from .core import answer\nfrom . import deep\nfrom .deep.leaf import up\n",
			"pkg/core.py":     "from .util import half\nanswer = 2 * half\n", "pkg/util.py": "half = 21\n",
			"pkg/deep/__init__.py": "from ..util import half as h\n", "pkg/deep/leaf.py": "from .. import core\nfrom ..core import answer as up\n",
			"app.py": "import pkg\nprint(pkg.answer, pkg.deep.h, pkg.up)\n",
		},
		main: "app", want: "42 21 42",
	},
	"asyncio": {
		files: map[string]string{"app.py": "import asyncio\nasync def tick():\n    await asyncio.sleep_ms(1)\n    print('ticked')\nasyncio.run(tick())\n"},
		main:  "app", want: "ticked",
	},
	"a fallback for hardware": {
		files: map[string]string{"app.py": "try:\n    from machine import Pin\nexcept ImportError:\n    Pin = None\ntry:\n    import network\nexcept ImportError:\n    print(Pin, 'no network')\n"},
		main:  "app", want: "None no network",
	},
	"a stand-in for hardware": {
		files: map[string]string{"blink.py": "from machine import Pin\nimport neopixel\nprint(Pin(3).on(), neopixel.N)\n"},
		stubs: map[string]string{"machine.py": "class Pin:\n    def __init__(self, n):\n        self.n = n\n    def on(self):\n        return 'on %d' % self.n\n", "neopixel/__init__.py": "N = 8\n"},
		main:  "blink", want: "on 3 8",
	},
	"a stand-in of the image's own": {
		files: map[string]string{"lib/machine.py": "WHO = 'image'\n", "app.py": "import machine\nprint(machine.WHO)\n"},
		stubs: map[string]string{"machine.py": "WHO = 'stub'\n"},
		main:  "app", want: "image",
	},
	"an exit": {
		files: map[string]string{"app.py": "import sys\nprint('a')\nsys.exit()\n"},
		main:  "app", want: "SystemExit", fails: true,
	},
	"an exception": {
		files: map[string]string{"app.py": "import no_such_thing\n"},
		main:  "app", want: "no module named 'no_such_thing'", fails: true,
	},
}

// romImage packs files as they are.
func romImage(t testing.TB, files map[string]string) []byte {
	t.Helper()
	root := &romfs.Node{Dir: true}
	for path, content := range files {
		dir := root
		parts := strings.Split(path, "/")
		for _, name := range parts[:len(parts)-1] {
			var next *romfs.Node
			for _, c := range dir.Children {
				if c.Name == name {
					next = c
				}
			}
			if next == nil {
				next = &romfs.Node{Name: name, Dir: true}
				dir.Children = append(dir.Children, next)
			}
			dir = next
		}
		dir.Children = append(dir.Children, &romfs.Node{
			Name: parts[len(parts)-1], Size: int64(len(content)), Sum: sha256.Sum256([]byte(content)),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil },
		})
	}
	plan, err := romfs.NewPlan(root, romfs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := plan.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// folder makes a directory of files; "" for none.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	if len(files) == 0 {
		return ""
	}
	dir := t.TempDir()
	for name, content := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), content)
	}
	return dir
}

// TestUserCode runs programs on the board, which firmware lacks nothing or some
// module, and by the import check: they do the same in each.
func TestUserCode(t *testing.T) {
	t.Parallel()
	for name, p := range programs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			image := romImage(t, p.files)
			var stubs []string
			if dir := folder(t, p.stubs); dir != "" {
				stubs = []string{dir}
			}
			for _, faults := range [][]string{nil, {"missing=hashlib", "missing=binascii.crc32"}} {
				o := simboard.Options{Stubs: stubs}
				b := start(t, o, faults...)
				b.Load(0, image)
				h := connect(t, b)
				h.raw()
				h.reset() // the image is mounted
				if p.main == "app" && strings.Contains(p.want, "SystemExit") {
					h.send("import app\x04")
					h.until("OKa\r\n\x04\x04MPY: soft reboot\r\nraw REPL; CTRL-B to exit\r\n>")
					continue
				}
				out, exc := h.exec("import " + p.main)
				if p.fails != (exc != "") || !strings.Contains(out+exc, p.want) {
					t.Errorf("on the board (%v): %q %q, want %q", faults, out, exc, p.want)
				}
			}
			path := filepath.Join(t.TempDir(), "image.romfs")
			write(t, path, string(image))
			check := imports.Check{Interpreter: peer.MicroPython(t), Image: path, Stubs: stubs, Modules: []string{p.main}}
			out, err := check.Run(t.Context())
			if p.fails != (err != nil) || !strings.Contains(out, p.want) {
				t.Errorf("by the import check: %q, %v, want %q", out, err, p.want)
			}
		})
	}
}

// TestOneEnvironment compares what user code finds on the board and in the import
// check: sys.path, and whose modules a name stands for.
func TestOneEnvironment(t *testing.T) {
	t.Parallel()
	files := map[string]string{"probe.py": "import sys\nprint(sys.path)\nfor name in ('asyncio', 'json', 'machine', 'mine', 'os', 'requests', 'host'):\n    try:\n        m = __import__(name)\n        print(name, getattr(m, '__file__', 'built in'))\n    except ImportError:\n        print(name, 'none')\n"}
	stubs := []string{folder(t, map[string]string{"mine.py": "", "json.py": ""})}
	path := filepath.Join(t.TempDir(), "image.romfs")
	write(t, path, string(romImage(t, files)))
	write(t, filepath.Join(filepath.Dir(path), "host.py"), "")
	check := imports.Check{Interpreter: peer.MicroPython(t), Image: path, Stubs: stubs, Modules: []string{"probe"}}
	alone, err := check.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := start(t, simboard.Options{Stubs: stubs})
	b.Load(0, romImage(t, files))
	h := connect(t, b)
	h.raw()
	h.reset()
	board, exc := h.exec("import probe")
	board = strings.TrimSpace(strings.ReplaceAll(board, "\r", ""))
	if exc != "" || !strings.HasPrefix(alone, board) || !strings.Contains(board, "'/rom/lib', '/flash', '/flash/lib', '/stubs']") || !strings.Contains(board, "json /stubs/json.py") || !strings.Contains(board, "host none") {
		t.Errorf("on the board:\n%s%s\nby the import check:\n%s", board, exc, alone)
	}
}

// TestMainModule: __main__ is the REPL's namespace.
func TestMainModule(t *testing.T) {
	t.Parallel()
	_, h := prompt(t, simboard.Options{})
	h.exec("x = 1")
	if got := h.eval("__import__('__main__').x, __name__, sorted(n for n in globals() if n[0] != '_')"); got != "1 __main__ ['x']" {
		t.Errorf("it says %s", got)
	}
	file := filepath.Join(t.TempDir(), "run.py")
	write(t, file, "import sys\nx = 1\nimport __main__\nprint(hasattr(__main__, 'x'))\nsys.exit()\n")
	b := start(t, simboard.Options{})
	if out := run(t, peer.Mpremote(t), "connect", b.PTY(), "run", file); !strings.Contains(out, "True") {
		t.Errorf("mpremote run says %q", out)
	}
}

// TestMainExits: firmware runs a main.py that ends in SystemExit again and again,
// and the board says so.
func TestMainExits(t *testing.T) {
	t.Parallel()
	events := make(chan string, 1000)
	o := simboard.Options{Files: map[string]string{"main.py": "import sys\nsys.exit()\n"}, Notify: func(e string) { events <- e }}
	start(t, o)
	for range 2 {
		for e := range events {
			if strings.Contains(e, "main.py ended in SystemExit") {
				break
			}
		}
	}
}

// TestHostIsOutOfReach looks for the host from board code.
func TestHostIsOutOfReach(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret.py")
	write(t, secret, "found = 1\n")
	_, h := prompt(t, simboard.Options{Files: map[string]string{"lib/mine.py": "x = 1"}})
	up := strings.Repeat("../", 12)
	h.exec("import os, io, sys, vfs\ndef tries(f, *a):\n  try:\n    f(*a)\n    return 'yes'\n  except (ImportError, OSError, AttributeError) as e:\n    return 'no'")
	for expr, want := range map[string]string{
		"tries(__import__, 'ffi')":                                                                     "no",
		"tries(__import__, 'uffi')":                                                                    "no",
		"tries(__import__, 'jni'), tries(__import__, 'termios')":                                       "no no",
		"hasattr(os, 'system'), hasattr(os, 'getenv')":                                                 "False False",
		"hasattr(vfs, 'VfsPosix'), hasattr(os, 'VfsPosix')":                                            "False False",
		"tries(open, '" + secret + "')":                                                                "no",
		"tries(open, '" + up + secret[1:] + "')":                                                       "no",
		"tries(io.open, '/flash/" + up + secret[1:] + "')":                                             "no",
		"tries(os.stat, '/flash/" + up + "etc'), os.listdir('/..')":                                    "no ['flash']",
		"tries(os.chdir, '/flash/lib'), os.getcwd(), os.listdir('..'), tries(os.chdir, '..')":          "yes /flash/lib ['lib'] yes",
		"[f for f, _ in vfs.mount()]":                                                                  "[None]",
		"'ffi' in vfs.rom_ioctl.__globals__, 'libc' in vfs.rom_ioctl.__globals__":                      "False False",
		"sys.path.append('/flash/" + up + filepath.Dir(secret)[1:] + "'), tries(__import__, 'secret')": "None no",
	} {
		if got := h.eval(expr); got != want {
			t.Errorf("%s: %s, want %s", expr, got, want)
		}
	}
}

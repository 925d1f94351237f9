package interpreter

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// collecting makes garbage collection happen in the middle of everything: values
// that only WebAssembly's locals hold must survive it.
const collecting = `
import gc
def f(n):
    out = []
    for i in range(n):
        s = "x%d" % i + "y" * (i % 50)
        out.append([s, {s: i}, (i, str(i))])
        gc.collect()
    return out
for i, e in enumerate(f(200)):
    s = "x%d" % i + "y" * (i % 50)
    assert e == [s, {s: i}, (i, str(i))], (i, e)
class A:
    def __init__(self, n):
        self.n = n
        gc.collect()
        self.l = [n] * 10
    def __eq__(self, o):
        gc.collect()
        return self.n == o.n
    def __add__(self, o):
        return A(self.n + o.n)
    def __iter__(self):
        for i in self.l:
            gc.collect()
            yield bytes([i]) * 20
assert [A(i) for i in range(50)] == [A(i) for i in range(50)]
assert [x for a in (A(1) + A(2), A(4)) for x in a] == [b"\3" * 20] * 10 + [b"\4" * 20] * 10
assert sorted([A(3), A(1)], key=lambda a: (gc.collect(), a.n)[1])[0].n == 1
print("%s %s" % (A(7).l, "".join(str(gc.collect() and i) for i in range(5))))
`

func TestRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		Script
		status int
		want   string
	}{
		"words":      {Script{Code: "import sys; print(sys.maxsize, sys.implementation.version[:2], sys.implementation._mpy)"}, 0, "2147483647 (1, 26) 774\n"},
		"arguments":  {Script{Code: "import sys; print(sys.argv, sys.path)", Args: []string{"a b", ""}}, 0, "['-c', 'a b', ''] ['', '.frozen']\n"},
		"collecting": {Script{Code: collecting}, 0, "[7, 7, 7, 7, 7, 7, 7, 7, 7, 7]"},
		"exception":  {Script{Code: "def f():\n  return 1/0\nf()"}, 1, "line 2, in f\nZeroDivisionError: divide by zero\n"},
		"exit":       {Script{Code: "raise SystemExit(3)"}, 3, ""},
		"exit text":  {Script{Code: "import sys; sys.exit('why')"}, 1, "why\n"},
		"syntax":     {Script{Code: "def"}, 1, "SyntaxError"},
		"memory":     {Script{Code: "bytearray(3000000)"}, 1, "MemoryError"},
		"heap":       {Script{Code: "print(len(bytearray(3000000)))", Heap: 8 << 20}, 0, "3000000\n"},
		"recursion":  {Script{Code: "def f(): f()\nf()"}, 1, "RuntimeError: maximum recursion depth exceeded\n"},
		"asyncio":    {Script{Code: "import asyncio\nasync def f():\n  await asyncio.sleep_ms(1)\n  print('slept')\nasyncio.run(f())"}, 0, "slept\n"},
		"time":       {Script{Code: "import time; print(time.time() > 1700000000, time.localtime()[0] > 2024)"}, 0, "True True\n"},
		"no files":   {Script{Code: "import errno\ntry:\n  open('x')\nexcept OSError as e:\n  print(e.errno == errno.ENOENT == 2)"}, 0, "True\n"},
		"no board":   {Script{Code: "from machine import Pin"}, 1, "ImportError: no module named 'machine'\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := Run(context.Background(), c.Script)
			var exit *ExitError
			status := 0
			if errors.As(err, &exit) {
				status = exit.Status
			} else if err != nil {
				t.Fatal(err)
			}
			if status != c.status || !strings.Contains(string(out), c.want) {
				t.Errorf("exit %d, %s", status, out)
			}
		})
	}
}

// TestFiles: a script sees its directories, and writes to the first alone.
func TestFiles(t *testing.T) {
	t.Parallel()
	dir, more := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(more, "there.py"), []byte("X = 5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := Run(context.Background(), Script{Dir: dir, Dirs: map[string]string{"/more": more}, Code: `
import sys, os
sys.path.append("/more")
import there
with open("made", "w") as f:
    f.write(str(there.X))
print(there.__file__, os.listdir("/more"), os.getcwd())
try:
    open("/more/made", "w")
except OSError as e:
    print(e)
`})
	if want := "/more/there.py ['there.py'] /\n"; err != nil || !strings.HasPrefix(string(out), want) || !strings.Contains(string(out), "OSError") && !strings.Contains(string(out), "[Errno") {
		t.Errorf("%v %s", err, out)
	}
	if made, err := os.ReadFile(filepath.Join(dir, "made")); err != nil || string(made) != "5" {
		t.Errorf("%v %s", err, made)
	}
	if _, err := os.Stat(filepath.Join(more, "made")); err == nil {
		t.Error("it wrote where it may only read")
	}
}

// TestCancel: what runs for ever ends with its context.
func TestCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if _, err := Run(ctx, Script{Code: "while True: pass"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// TestAtOnce: several run at once, each with a memory of its own.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if out, err := Run(context.Background(), Script{Code: "print(sum(range(1000)))"}); err != nil || string(out) != "499500\n" {
				t.Errorf("%v %s", err, out)
			}
		})
	}
	all.Wait()
}

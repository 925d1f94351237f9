package ram_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/inspect"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/ram"
	"rules_romfs/packager/report"
)

// build returns the image of a manifest or directory, and what it was compiled from.
func build(t *testing.T, path string, change func(*pack.Options)) (*inspect.Image, map[string]string) {
	t.Helper()
	o := pack.Options{
		Path: path, MPYCross: peer.MpyCross(t), NoCache: true, Reporter: report.Discard(), Getenv: func(string) string { return "" },
	}
	if change != nil {
		change(&o)
	}
	project, err := pack.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	images, err := project.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := images[0].Stream(t.Context(), &b, report.Discard()); err != nil {
		t.Fatal(err)
	}
	source, err := inspect.ReadSource(t.Context(), "test.romfs", &b)
	if err != nil {
		t.Fatal(err)
	}
	im, err := source.Image()
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{}
	for _, f := range images[0].Plan.Files {
		if in := images[0].Input(f.Path); in.Kind == artifact.KindMPY {
			sources[f.Path] = in.Path
		}
	}
	return im, sources
}

// tree writes files into a new directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func choose(t *testing.T, name string) *ram.Interpreter {
	t.Helper()
	in, err := ram.Choose(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func measure(t *testing.T, r ram.Request) *ram.Ledger {
	t.Helper()
	l, err := ram.Measure(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestByHand: the figures are about those of a script that knows nothing of ours.
//
// It is no proof of each figure: of five measurements by hand the nearest counts, and
// the bounds below are what was observed with MicroPython 1.26.1 in several places, with
// some room: where the tables of names happen to grow depends on all that the
// interpreter was started with.
func TestByHand(t *testing.T) {
	example := filepath.Join(peer.Root(t), "examples", "weather_station")
	im, sources := build(t, filepath.Join(example, "romfs.yaml"), nil)
	interpreter := peer.MicroPython32(t)
	l := measure(t, ram.Request{Image: im, Sources: sources, Interpreter: choose(t, interpreter)})

	dir := t.TempDir()
	image := filepath.Join(dir, "i.romfs")
	content := make([]byte, im.Size())
	if _, err := im.Data.ReadAt(content, 0); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(image, content, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := inspect.Extract(t.Context(), im, inspect.ExtractOptions{Dir: filepath.Join(dir, "f"), Reporter: report.Discard()}); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "s"), os.DirFS(filepath.Join(example, "src"))); err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/by_hand.py")
	if err != nil {
		t.Fatal(err)
	}
	byHand := func(where, module string, names ...string) (heap int64) {
		cmd := exec.Command(interpreter, append([]string{"-c", string(script), where, module}, names...)...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if n, bad := fmt.Sscan(string(out), &heap); err != nil || n != 1 {
			t.Fatalf("%s from %s: %v, %v\n%s", module, where, err, bad, out)
		}
		return heap
	}
	// The names that a script has itself decide which import pays for a step of the
	// tables of names, so by hand it is done with a few more or less; and a slot of
	// the stack that only looks like a pointer keeps a block or two alive.
	apart := 0
	for _, m := range l.Modules {
		for _, c := range []struct {
			where string
			cost  *ram.Cost
		}{{"i.romfs", m.ROM}, {"f", m.FileSystem}, {"s", m.Source}} {
			if c.cost == nil || c.cost.Failed() {
				t.Fatalf("%s from %s: %+v", m.Name, c.where, c.cost)
			}
			off, by := int64(math.MaxInt64), int64(0)
			for _, names := range [][]string{nil, {"x"}, {"x", "y"}, {"x", "yzuv"}, {"x", "y", "z"}} {
				got := byHand(c.where, m.Name, names...)
				if d := max(c.cost.Heap-got, got-c.cost.Heap); d < off {
					off, by = d, got
				}
			}
			if off > 16 {
				apart++
				t.Logf("%s from %s: %d bytes, of which names %d; by hand %d", m.Name, c.where, c.cost.Heap, c.cost.Names, by)
			}
			if off > 192 || off > 64 && c.cost == m.ROM {
				t.Errorf("%s from %s is off by %d bytes", m.Name, c.where, off)
			}
		}
		if m.ROM.Heap >= m.FileSystem.Heap {
			t.Errorf("%s: %d bytes from ROM, %d from a file system", m.Name, m.ROM.Heap, m.FileSystem.Heap)
		}
	}
	t.Logf("%d of %d figures are off by more than 16 bytes", apart, 3*len(l.Modules))
	if len(l.Modules) != 10 || !slices.Equal(l.Skipped, []string{"main.py"}) {
		t.Errorf("%d modules, skipped %q", len(l.Modules), l.Skipped)
	}
}

// TestBuiltIn: without names, it takes what the unix port's interpreter takes.
func TestBuiltIn(t *testing.T) {
	im, _ := build(t, filepath.Join(peer.Root(t), "examples", "weather_station", "romfs.yaml"), nil)
	r := ram.Request{Image: im, Modules: []string{"ring", "weather.dewpoint"}}
	r.Interpreter = choose(t, peer.MicroPython32(t))
	unix := measure(t, r)
	r.Interpreter = choose(t, ram.BuiltIn)
	for i, m := range measure(t, r).Modules {
		own, want := m.ROM.Heap-m.ROM.Names, unix.Modules[i].ROM.Heap-unix.Modules[i].ROM.Names
		if own < want-64 || own > want+64 {
			t.Errorf("%s: %+v, and %+v", m.Name, *m.ROM, *unix.Modules[i].ROM)
		}
	}
}

// TestTogether: what was imported by a module before costs nothing again.
func TestTogether(t *testing.T) {
	im, _ := build(t, tree(t, map[string]string{"a.py": "import b\n", "b.py": "x = [0] * 1000\n"}), nil)
	l := measure(t, ram.Request{Image: im, Interpreter: choose(t, peer.MicroPython32(t))})
	a, b := l.Modules[0].ROM, l.Modules[1].ROM
	if a.Together < 4000 || b.Together > 64 || b.Heap < 4000 || *l.Total.ROM != a.Together+b.Together {
		t.Errorf("a %+v, b %+v, together %d", *a, *b, *l.Total.ROM)
	}
	if l.Modules[0].Source != nil || l.Total.Source != nil {
		t.Error("an image alone has no sources, and there are figures for them")
	}
}

// TestTrouble: a module that cannot be imported says why, and the others count.
func TestTrouble(t *testing.T) {
	dir := tree(t, map[string]string{
		"good.py":      "print('no\\x02thing', end='')\nx = 1\n",
		"hardware.py":  "import adc\n",
		"broken.py":    "1 / 0\n",
		"leaves.py":    "import sys\nsys.exit(3)\n",
		"binascii.py":  "x = 1\n",
		"gc.py":        "x = 1\n",
		"twice.py":     "x = 1\n",
		"lib/twice.py": "x = 2\n",
		"not.a.py":     "x = 1\n",
		"boot.py":      "x = 1\n",
	})
	im, _ := build(t, dir, func(o *pack.Options) { no := false; o.Compile = &no })
	in := choose(t, peer.MicroPython32(t))
	l := measure(t, ram.Request{Image: im, Interpreter: in})
	want := map[string]string{
		"good":     "",
		"hardware": "ImportError: no module named 'adc'",
		"broken":   "ZeroDivisionError: divide by zero",
		"leaves":   "it ends as of sys.exit(), which restarts a board",
		"gc":       "the interpreter has a module of that name itself",
	}
	var names []string
	for _, m := range l.Modules {
		names = append(names, m.Path)
		why, ok := want[m.Name]
		if !ok {
			continue
		}
		if !strings.Contains(m.ROM.Error, why) || m.ROM.Failed() != (why != "") || len(m.Problems()) != min(1, len(why)) {
			t.Errorf("%s: %q, and problems %q", m.Name, m.ROM.Error, m.Problems())
		}
		if m.Source != m.FileSystem {
			t.Errorf("%s: it is source itself, and from source it is something else", m.Name)
		}
	}
	if got := strings.Join(names, " "); got != "binascii.py broken.py gc.py good.py hardware.py leaves.py lib/twice.py twice.py" {
		t.Errorf("modules %s", got)
	}
	if p := l.Modules[6].Problems(); len(p) != 1 || !strings.Contains(p[0], "/rom/twice.py is imported instead") {
		t.Errorf("the second of one name: %q", p)
	}

	stubs := tree(t, map[string]string{"adc.py": "x = 1\n"})
	l = measure(t, ram.Request{Image: im, Interpreter: in, Modules: []string{"hardware", "boot"}, Stubs: []string{stubs}})
	if len(l.Modules) != 2 || l.Modules[0].ROM.Failed() || l.Modules[1].ROM.Failed() {
		t.Errorf("with a stand-in, by name: %+v", l.Modules)
	}
	if _, err := ram.Measure(t.Context(), ram.Request{Image: im, Interpreter: in, Modules: []string{"god"}}); err == nil || !strings.Contains(err.Error(), `no module "god"`) {
		t.Errorf("a name that is not there: %v", err)
	}
}

// TestEndless: a module that never ends is ended.
func TestEndless(t *testing.T) {
	im, _ := build(t, tree(t, map[string]string{"a.py": "while True:\n    pass\n"}), nil)
	for _, name := range []string{peer.MicroPython32(t), ram.BuiltIn} {
		l := measure(t, ram.Request{Image: im, Interpreter: choose(t, name), Timeout: 100 * time.Millisecond})
		if p := l.Modules[0].Problems(); len(p) == 0 || !strings.Contains(p[0], "it did not end within 100ms") {
			t.Errorf("%s: %q", name, p)
		}
	}
}

// TestMachineCode: it is copied, and another processor's cannot be imported.
func TestMachineCode(t *testing.T) {
	dir := tree(t, map[string]string{
		"fast.py": "@micropython.native\ndef f(a):\n    return a + 1\n",
		"slow.py": "def f(a):\n    return a + 1\n",
	})
	im, sources := build(t, dir, func(o *pack.Options) { o.Arch = "armv7emdp" })
	l := measure(t, ram.Request{Image: im, Sources: sources, Interpreter: choose(t, ram.BuiltIn)})
	fast, slow := l.Modules[0], l.Modules[1]
	if fast.Arch != "armv7emdp" || !strings.Contains(fast.Why, "copied") || slow.Arch != "" || !strings.Contains(slow.Why, "stay in flash") {
		t.Errorf("%+v\n%+v", fast, slow)
	}
	if !fast.ROM.Failed() || slow.ROM.Failed() {
		t.Errorf("another processor's code: %+v; none: %+v", fast.ROM, slow.ROM)
	}
}

// TestChoose: what the interpreters are, and what is none.
func TestChoose(t *testing.T) {
	for name, bits := range map[string]int{peer.MicroPython32(t): 32, peer.MicroPython(t): 64, ram.BuiltIn: 32} {
		if in := choose(t, name); in.Bits != bits || in.Program != name || !strings.HasPrefix(in.Release, "1.") {
			t.Errorf("%s: %+v", name, in)
		}
	}
	path := string(os.PathListSeparator) + os.Getenv("PATH") // the peers are scripts
	t.Setenv("PATH", filepath.Dir(peer.MicroPython(t))+path)
	if in := choose(t, ""); in.Program != ram.BuiltIn {
		t.Errorf("64 bits on PATH, and the choice is %s", in.Program)
	}
	t.Setenv("PATH", filepath.Dir(peer.MicroPython32(t))+path)
	if in := choose(t, ""); filepath.Base(in.Program) != "micropython" {
		t.Errorf("32 bits on PATH, and the choice is %s", in.Program)
	}
	if _, err := ram.Choose(t.Context(), "/none"); err == nil || !strings.Contains(err.Error(), "say built-in") {
		t.Errorf("no interpreter: %v", err)
	}
}

package ram_test

import (
	"bytes"
	"fmt"
	"io/fs"
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

// byHand are scripts as somebody types them who wants to know what importing a module
// takes, and has not seen ours; the first is that of docs/ram.md. The figures of a script depend on it: on the names in
// it, for the tables of names grow in steps; and on what its run leaves on the stack
// that looks like a pointer, for the collector then keeps what is there.
var byHand = []string{
	`import gc, sys, vfs
vfs.mount(FILES, "/rom")
sys.path[:] = ["/rom", "/rom/lib"]
gc.collect()
a = gc.mem_alloc()
import MODULE
gc.collect()
b = gc.mem_alloc()
print(b - a)
`,
	`import gc, sys, vfs
vfs.mount(FILES, "/rom")
sys.path[:] = ["/rom", "/rom/lib"]
gc.collect()
before = gc.mem_alloc()
import MODULE
gc.collect()
print(gc.mem_alloc() - before)
`,
	`import vfs, sys, gc
vfs.mount(FILES, "/rom")
sys.path.insert(0, "/rom")
sys.path.insert(0, "/rom/lib")
def used():
    gc.collect()
    return gc.mem_alloc()
start = used()
__import__("MODULE")
end = used()
print(end - start)
`,
	`import gc
import sys
import vfs
im = FILES
vfs.mount(im, "/rom")
sys.path = ["/rom", "/rom/lib"]
gc.collect()
gc.collect()
m0 = gc.mem_alloc()
import MODULE
gc.collect()
gc.collect()
m1 = gc.mem_alloc()
print(m1 - m0)
`,
	`import gc, os, sys, vfs
vfs.mount(FILES, "/rom")
sys.path.append("/rom")
sys.path.append("/rom/lib")
gc.collect(); free = gc.mem_free()
import MODULE
gc.collect(); print(free - gc.mem_free())
`,
}

// TestByHand: each figure is that of a measurement by hand, within 16 bytes; and for
// most, whichever way somebody types it.
func TestByHand(t *testing.T) {
	example := filepath.Join(peer.Root(t), "examples", "weather_station")
	im, sources := build(t, filepath.Join(example, "romfs.yaml"), nil)
	interpreter := peer.MicroPython32(t)
	t.Setenv("TMPDIR", "/tmp")
	t.Setenv("HOME", "/home") // a name of sys.path
	l := measure(t, ram.Request{Image: im, Sources: sources, Interpreter: choose(t, interpreter)})

	// The length of a path counts, too, for MicroPython puts it together on its heap: it
	// is the same wherever this runs.
	base, err := os.MkdirTemp("/tmp", "ram-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(base) })
	var dirs []string
	for _, length := range []int{30, 37, 45} {
		dirs = append(dirs, filepath.Join(base, strings.Repeat("d", length-len(base)-1)))
		lay(t, dirs[len(dirs)-1], im, example)
	}
	typed := func(dir, script, files, module string) (heap int64) {
		script = strings.ReplaceAll(strings.Replace(script, "FILES", files, 1), "MODULE", module)
		cmd := exec.Command(interpreter, "-c", script)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if n, bad := fmt.Sscan(string(out), &heap); err != nil || n != 1 {
			t.Fatalf("%s from %s: %v, %v\n%s", module, files, err, bad, out)
		}
		return heap
	}
	doc, err := os.ReadFile(filepath.Join(peer.Root(t), "docs", "ram.md"))
	if err != nil {
		t.Fatal(err)
	}
	documented := strings.NewReplacer("FILES", `vfs.VfsRom(open("app.romfs", "rb").read())`, "MODULE", "ring").Replace(byHand[0])
	if !strings.Contains(string(doc), documented) {
		t.Errorf("docs/ram.md says another way to measure by hand than\n%s", documented)
	}
	near, all := 0, 0
	for _, m := range l.Modules {
		for _, c := range []struct {
			files string
			cost  *ram.Cost
		}{
			{`vfs.VfsRom(open("i.romfs", "rb").read())`, m.ROM}, {`vfs.VfsPosix("f")`, m.FileSystem}, {`vfs.VfsPosix("s")`, m.Source},
		} {
			if c.cost == nil || c.cost.Failed() {
				t.Fatalf("%s from %s: %+v", m.Name, c.files, c.cost)
			}
			var hand []int64
			same := 0
			for i := range len(byHand) * len(dirs) {
				got := typed(dirs[i%len(dirs)], byHand[i/len(dirs)], c.files, m.Name)
				if hand = append(hand, got); max(got-c.cost.Heap, c.cost.Heap-got) <= 16 {
					same++
				}
			}
			// hand[:len(dirs)] is what docs/ram.md says.
			if c.cost != m.Source && !within16(c.cost.Heap, hand[:len(dirs)]) && m.Name != "weather.config" {
				t.Errorf("%s from %s: %d bytes; as documented %d", m.Name, c.files, c.cost.Heap, hand[:len(dirs)])
			}
			if same == 0 {
				t.Errorf("%s from %s: %d bytes; by hand %d", m.Name, c.files, c.cost.Heap, hand)
			}
			near += same
			all += len(hand)
		}
		if m.ROM.Heap >= m.FileSystem.Heap {
			t.Errorf("%s: %d bytes from ROM, %d from a file system", m.Name, m.ROM.Heap, m.FileSystem.Heap)
		}
	}
	if near < all*3/4 {
		t.Errorf("%d of %d figures by hand are within 16 bytes", near, all)
	}
	t.Logf("%d of %d figures by hand are within 16 bytes", near, all)
	if len(l.Modules) != 10 || !slices.Equal(l.Skipped, []string{"main.py"}) {
		t.Errorf("%d modules, skipped %q", len(l.Modules), l.Skipped)
	}
}

// within16 tells whether all figures are within 16 bytes of one.
func within16(heap int64, hand []int64) bool {
	return !slices.ContainsFunc(hand, func(h int64) bool { return max(h-heap, heap-h) > 16 })
}

// lay puts into a new directory what is imported by hand: the image, its files, and
// the example's sources as they are.
func lay(t *testing.T, dir string, im *inspect.Image, example string) {
	t.Helper()
	content := make([]byte, im.Size())
	if _, err := im.Data.ReadAt(content, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := inspect.Extract(t.Context(), im, inspect.ExtractOptions{Dir: filepath.Join(dir, "f"), Reporter: report.Discard()}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "i.romfs"), content, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{"src", "."} {
		if err := copyFiles(filepath.Join(dir, "s"), filepath.Join(example, from)); err != nil {
			t.Fatal(err)
		}
	}
}

// copyFiles copies a folder over another.
func copyFiles(to, from string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(from, path)
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o777)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), content, 0o666)
	})
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
		if own < want-128 || own > want+128 {
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

// TestPrintsForEver: a module that prints without end is ended by how much that is.
func TestPrintsForEver(t *testing.T) {
	im, _ := build(t, tree(t, map[string]string{"a.py": "while True:\n    print('x' * 1000)\n"}), nil)
	for _, name := range []string{peer.MicroPython32(t), ram.BuiltIn} {
		l := measure(t, ram.Request{Image: im, Interpreter: choose(t, name), Timeout: 10 * time.Minute})
		if p := l.Modules[0].Problems(); len(p) == 0 || !strings.Contains(p[0], "printed more than 16 MiB") {
			t.Errorf("%s: %.200q", name, p)
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

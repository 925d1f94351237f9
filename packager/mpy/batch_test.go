package mpy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
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
		r, err := (&Batch{Compiler: c, Cache: cache}).Run(ctx, []Job{{path, o}})
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

// TestCacheDamage: whatever happens to an entry's file, the build's output stays.
func TestCacheDamage(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := official(t)
	cache := newCache(t)
	path := filepath.Join(t.TempDir(), "m.py")
	write(t, path, sample)
	b := &Batch{Compiler: c, Cache: cache}
	jobs := []Job{{path, Options{SourceName: "m.py"}}}
	want, err := b.Run(ctx, jobs)
	if err != nil {
		t.Fatal(err)
	}
	entry := cache.Path(cacheKey(c, jobs[0].Options, want[0].SourceSum))
	whole, err := os.ReadFile(entry)
	if err != nil {
		t.Fatal(err)
	}
	damage := map[string]func() error{
		"flipped":    func() error { d := bytes.Clone(whole); d[len(d)/2] ^= 4; return os.WriteFile(entry, d, 0o600) },
		"digest":     func() error { d := bytes.Clone(whole); d[3] ^= 4; return os.WriteFile(entry, d, 0o600) },
		"longer":     func() error { return os.WriteFile(entry, append(bytes.Clone(whole), 0), 0o600) },
		"empty":      func() error { return os.WriteFile(entry, nil, 0o600) },
		"zeros":      func() error { return os.WriteFile(entry, make([]byte, len(whole)), 0o600) },
		"removed":    func() error { return os.Remove(entry) },
		"a folder":   func() error { return errors.Join(os.Remove(entry), os.Mkdir(entry, 0o700)) },
		"restored":   func() error { return os.Remove(entry) },
		"the folder": func() error { return os.RemoveAll(cache.Dir()) },
	}
	for n := range whole {
		damage[fmt.Sprintf("cut to %d", n)] = func() error { return os.WriteFile(entry, whole[:n], 0o600) }
	}
	for what, damage := range damage {
		_ = os.Remove(entry)
		if err := damage(); err != nil && what != "restored" && what != "removed" && what != "a folder" {
			t.Fatal(err)
		}
		r, err := b.Run(ctx, jobs)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if r[0].Cached || !bytes.Equal(r[0].Code, want[0].Code) || r[0].Sum != want[0].Sum {
			t.Errorf("%s: cached %v, %d bytes", what, r[0].Cached, len(r[0].Code))
		}
		if what == "a folder" {
			if cache.Err() == nil {
				t.Error("an entry that cannot be written is no reason for a remark")
			}
			if err := os.Remove(entry); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if r, err = b.Run(ctx, jobs); err != nil || !r[0].Cached {
			t.Errorf("%s: the entry was not made again: %v", what, err)
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
			cache, err := OpenCache(root)
			if err != nil {
				t.Error(err)
				return
			}
			for range 3 {
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
				folders, _ := filepath.Glob(filepath.Join(cache.Dir(), "[0-9a-f]"))
				for _, folder := range folders { // pulls the rug away under the others
					entries, _ := filepath.Glob(filepath.Join(folder, "[0-9a-f]*"))
					for _, entry := range entries {
						os.Remove(entry)
					}
				}
			}
			if err := cache.Err(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if left, _ := filepath.Glob(filepath.Join(root, "mpy", "*", ".new-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
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

// TestUseKeepsEntries: an entry that is in use does not grow old.
func TestUseKeepsEntries(t *testing.T) {
	t.Parallel()
	c, cache := official(t), newCache(t)
	jobs := modules(t, 1)
	b := &Batch{Compiler: c, Cache: cache}
	r, err := b.Run(context.Background(), jobs)
	if err != nil {
		t.Fatal(err)
	}
	entry := cache.Path(cacheKey(c, jobs[0].Options, r[0].SourceSum))
	old := time.Now().Add(-29 * 24 * time.Hour)
	if err := os.Chtimes(entry, old, old); err != nil {
		t.Fatal(err)
	}
	if r, err = b.Run(context.Background(), jobs); err != nil || !r[0].Cached {
		t.Fatal(err)
	}
	fi, err := os.Stat(entry)
	if err != nil {
		t.Fatal(err)
	}
	if !fi.ModTime().After(old) {
		t.Error("the entry is as old as before")
	}
}

// TestCancel ends the compiler and what it has started, and waits for them.
func TestCancel(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Fatal("needs a shell")
	}
	dir := t.TempDir()
	slow := script(t, "mpy-cross", fmt.Sprintf(`sleep 1000 & echo "$$ $!" > %[1]s/pids.$$; mv %[1]s/pids.$$ %[1]s/started.$$; wait`, dir))
	c, err := startable(slow)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	var done atomic.Bool
	cause := errors.New("interrupted")
	go func() {
		for !done.Load() {
			if started, _ := filepath.Glob(filepath.Join(dir, "started.*")); len(started) == 2 {
				cancel(cause)
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	_, err = (&Batch{Compiler: c, Workers: 2}).Run(ctx, modules(t, 9))
	done.Store(true)
	if !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	started, _ := filepath.Glob(filepath.Join(dir, "started.*"))
	if len(started) != 2 {
		t.Fatalf("%d compilers were started, want 2", len(started))
	}
	for _, file := range started {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var compiler, child int
		if _, err := fmt.Sscan(string(text), &compiler, &child); err != nil {
			t.Fatal(err)
		}
		// The group is gone when the compiler has been waited for; its orphan
		// is init's to bury, which may take an instant.
		for _, pid := range []int{compiler, child} {
			for alive(pid) {
				time.Sleep(5 * time.Millisecond)
			}
		}
	}
}

// alive tells whether a process runs: not gone, and no zombie.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}

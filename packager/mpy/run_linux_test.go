package mpy

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
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
	pids, done := filepath.Join(dir, "pids"), filepath.Join(dir, "done")
	c, err := NewCompiler(t.Context(), wrapper(t, fmt.Sprintf(
		`[ "$1" = --version ] || { (until [ -e %s ]; do sleep 0.001; done; printf JUNK; exec sleep 60) & echo $! >>%s; }`, done, pids)))
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
	text, err := os.ReadFile(pids)
	if err != nil {
		t.Fatal(err)
	}
	started := strings.Fields(string(text))
	if want := len(jobs)/2 + 1; len(started) != want {
		t.Errorf("%d processes were started in the background, want %d", len(started), want)
	}
	for _, s := range started {
		pid, _ := strconv.Atoi(s)
		for end := time.Now().Add(20 * time.Second); running(pid); time.Sleep(5 * time.Millisecond) { // a signal takes its time
			if time.Now().After(end) {
				t.Errorf("process %d is still running", pid)
				syscall.Kill(pid, syscall.SIGKILL)
				break
			}
		}
	}
}

// running reports whether there is such a process, ended ones that nobody has
// asked for yet apart.
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z") && !strings.HasPrefix(state, "X")
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
	ctx, cancel := limitTime(t.Context(), 50*time.Millisecond)
	defer cancel()
	c := &Compiler{Path: wrapper(t, "exec sleep 60"), Release: PinnedVersion}
	_, _, err := c.runPiped(ctx, nil, nil)
	err = c.explain(t.Context(), err, nil, Options{SourceName: "a.py"}, nil)
	var refused *CompileError
	if !errors.As(err, &refused) || !strings.Contains(refused.Message, "gave no answer in 50ms and was ended") {
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
	var told []string
	b := &Batch{Compiler: c, SlowAfter: time.Millisecond, Slow: func(path string) {
		told = append(told, path)
		if err := os.WriteFile(gate, []byte("go\n"), 0); err != nil { // until then it waits
			t.Error(err)
		}
	}}
	if _, err := b.Run(t.Context(), []Job{{Path: path, Options: Options{SourceName: "m.py"}}}); err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 || told[0] != path {
		t.Errorf("told of %v", told)
	}
}

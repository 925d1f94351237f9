package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/simboard"
)

// A screen is an output that presses Ctrl-C when a text has come for the nth time.
type screen struct {
	mu    sync.Mutex
	text  bytes.Buffer
	until string
	times int
	ctrlC func()
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(b)
	if strings.Count(s.text.String(), s.until) >= s.times {
		s.ctrlC()
	}
	return len(b), nil
}

// runUntil runs a command line until its output has a text so many times.
func runUntil(t *testing.T, until string, times int, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &screen{until: until, times: times, ctrlC: cancel}
	var errs bytes.Buffer
	code = run(ctx, args, strings.NewReader(""), out, &errs, func(key string) string { return env[key] })
	return code, out.text.String(), errs.String()
}

// TestMonitor: after a deploy, and by itself, all is shown that the board prints,
// up to the traceback and beyond, and Ctrl-C is the proper end.
func TestMonitor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	src := filepath.Join(dir, "src")
	if err := os.Mkdir(src, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(src, "app.py"), []byte("n = 7\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	b, err := simboard.Start(t.Context(), simboard.Options{Interpreter: peer.MicroPython(t), Files: map[string]string{
		"main.py": "import app\nprint('main', app.n)\nraise ValueError('what went wrong')\n",
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	env := map[string]string{"ROMFS_CACHE": filepath.Join(dir, "cache"), "ROMFS_PORT": b.PTY(), "HOME": dir}
	want := []string{"main 7\r\nTraceback (most recent call last):", "ValueError: what went wrong\r\n"}
	for _, args := range [][]string{
		{"deploy", src, "--no-mpy", "--monitor"},
		{"deploy", src, "--no-mpy", "--verify-only", "--monitor"},
		{"monitor", "--restart"},
	} {
		code, stdout, stderr := runUntil(t, ">>> ", 1, env, args...)
		if code != 0 || strings.Contains(stderr, "error") {
			t.Errorf("%s: exit code %d, %s", args, code, stderr)
		}
		at := 0
		for _, text := range want {
			i := strings.Index(stdout[at:], text)
			if i < 0 {
				t.Errorf("%s: no %q in what was shown: %s", args, text, stdout)
				break
			}
			at += i + len(text)
		}
	}
	for _, args := range [][]string{
		{"monitor", "--output", "json"},
		{"deploy", src, "--monitor", "--output", "json"},
		{"deploy", src, "--monitor", "--no-run"},
		{"deploy", src, "--monitor", "--port", "a", "--all"},
	} {
		if code, _, stderr := runUntil(t, "never", 1, env, args...); code != exitUsage {
			t.Errorf("%s: exit code %d, %s", args, code, stderr)
		}
	}
}

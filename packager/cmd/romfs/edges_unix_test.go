//go:build !windows

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// An edge is one command line at the edge of what somebody gives, with the exit
// code and the words that it ends in.
type edge struct {
	name string

	// What is there: files by path, and what else make does in the directory.
	files map[string]string
	make  func(t *testing.T, dir string)

	args  string // split at blanks
	stdin string

	exit   int
	stdout string // pattern; empty: anything
	stderr string // pattern; empty: nothing may be said

	check func(t *testing.T, dir string) // of what is there afterwards; may be nil
}

// edges are all of them: each file of rows adds its own here.
func edges() []edge { return slices.Concat(imageEdges, outputEdges, verbEdges, trustEdges) }

// edgeLimit is when a command line counts as hanging: far above what each takes
// on a busy machine.
const edgeLimit = time.Minute

// TestEdges runs each command line in a process and a directory of its own. None
// hangs, runs out of memory or prints a stack trace.
func TestEdges(t *testing.T) {
	t.Parallel()
	romfs, err := exec.LookPath("romfs") // as testscript.Main provides it
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range edges() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for name, content := range e.files {
				putFile(t, filepath.Join(dir, name), content)
			}
			if e.make != nil {
				e.make(t, dir)
			}
			ctx, cancel := context.WithTimeout(t.Context(), edgeLimit)
			defer cancel()
			cmd := exec.CommandContext(ctx, romfs, strings.Split(e.args, " ")...)
			cmd.Dir = dir
			cmd.Stdin = strings.NewReader(e.stdin)
			cmd.Env = append(os.Environ(), "ROMFS_CACHE="+filepath.Join(dir, ".cache"))
			var stdout, stderr strings.Builder
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			if ctx.Err() != nil {
				t.Fatalf("it hangs: %s%s", &stdout, &stderr)
			}
			if code := cmd.ProcessState.ExitCode(); code != e.exit {
				t.Errorf("exit %d (%v), want %d", code, err, e.exit)
			}
			for _, stream := range []struct{ name, is, want string }{{"stdout", stdout.String(), e.stdout}, {"stderr", stderr.String(), e.stderr}} {
				if strings.Contains(stream.is, "goroutine ") || len(stream.is) > 20_000 {
					t.Errorf("%s: a stack trace, or too much: %.2000s", stream.name, stream.is)
				}
				if stream.want != "" && !regexp.MustCompile("(?m)"+stream.want).MatchString(stream.is) {
					t.Errorf("%s: %.2000q, want %q", stream.name, stream.is, stream.want)
				}
			}
			if e.stderr == "" && stderr.Len() > 0 {
				t.Errorf("stderr: %.2000s", &stderr)
			}
			if e.check != nil {
				e.check(t, dir)
			}
		})
	}
}

// putFile makes a file with its directories.
func putFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

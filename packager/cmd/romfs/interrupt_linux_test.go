package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"rules_romfs/internal/testprogram"
)

// TestInterrupt presses Ctrl-C while a compiler runs that never ends: nothing
// is left, no file and no process.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			leash := testprogram.NewLeash(t)
			dir := files(t, map[string]string{
				"src/a.py": "x = 1\n", "src/b.py": "y = 1\n",
				// It starts a child of its own, which must end too.
				"script": `#!/bin/sh
if [ "$1" = --version ]; then echo 'MicroPython v1.29.0 on 2026-08-01; mpy-cross emitting mpy v6.3'; exit; fi
` + leash.Hold() + `sleep 1000 &
wait
`,
			})
			compiler := copyExecutable(t, filepath.Join(dir, "script"), filepath.Join(dir, "mpy-cross"))
			out := shared(t)
			var stderr bytes.Buffer
			cmd := exec.Command(sharedTool(t), "build", filepath.Join(dir, "src"), "-o", filepath.Join(out, "image"), "--jobs", "2",
				"--mpy-cross", compiler, "--cache-dir", filepath.Join(dir, "cache"))
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			leash.Taken(2)
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != 130 || stderr.String() != "error: interrupted\n" {
				t.Errorf("exit %d, want 130 and one line:\n%s", code, stderr.String())
			}
			if got := list(t, out); got != "" {
				t.Errorf("left behind: %s", got)
			}
			if more := leash.Ended(); more != 0 {
				t.Errorf("%d more compilers were started than --jobs allows", more)
			}
		})
	}
}

package child

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"

	"rules_romfs/internal/testprogram"
)

// TestCancel: what a command has started ends with it, and the error is the
// reason for the end.
func TestCancel(t *testing.T) {
	t.Parallel()
	leash := testprogram.NewLeash(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cmd := Command(ctx, "/bin/sh", "-c", leash.Hold()+"sleep 1000 & wait")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	leash.Taken(1)
	why := errors.New("no longer wanted")
	cancel(why)
	if err := Error(ctx, cmd.Wait(), []byte("output")); err != why {
		t.Errorf("%v", err)
	}
	leash.Ended()
}

// TestEndGroup: so does what a command leaves running when it ends by itself.
func TestEndGroup(t *testing.T) {
	t.Parallel()
	leash := testprogram.NewLeash(t)
	cmd := Command(t.Context(), "/bin/sh", "-c", leash.Hold()+"sleep 1000 & exit 3")
	err := cmd.Run()
	leash.Taken(1)
	EndGroup(cmd)
	leash.Ended()
	if got := Error(t.Context(), err, []byte(" two\nlines \n")); got == nil || got.Error() != "exit status 3: two\nlines" {
		t.Errorf("%q", got)
	}
	EndGroup(exec.Command("never", "started"))
}

// TestLimitFiles: a file that grows too large ends its writer, also one that has
// started before anybody could look at it.
func TestLimitFiles(t *testing.T) {
	t.Parallel()
	for _, script := range []string{"exec truncate -s 4097 ", "(ulimit -f; truncate -s 4097 $0) & wait $!; exit $?; : "} {
		file := t.TempDir() + "/file"
		cmd := Command(t.Context(), "/bin/sh", "-c", script+file, file)
		if !LimitFiles(cmd, 4096) {
			t.Fatal("there is no limit")
		}
		out, err := cmd.CombinedOutput()
		if info, statErr := os.Stat(file); err == nil || statErr == nil && info.Size() > 4096 {
			t.Errorf("%s: %v, %s", script, err, out)
		}
	}
	cmd := Command(t.Context(), "/bin/echo", "$0", "a b", "", `"'`)
	LimitFiles(cmd, 4096)
	if out, err := cmd.Output(); err != nil || string(out) != "$0 a b  \"'\n" {
		t.Errorf("arguments arrive as %q, %v", out, err)
	}
}

package child

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// gone waits until a process has ended; a zombie has, and is somebody else's.
func gone(pid int) bool {
	for range 500 {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// start starts a shell that starts a child, and returns the child's id.
func start(t *testing.T, ctx context.Context, script string) (*exec.Cmd, int) {
	t.Helper()
	cmd := Command(ctx, "/bin/sh", "-c", "sleep 1000 >/dev/null & echo $!; "+script)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return cmd, pid
}

// TestCancel: what a command has started ends with it, and the error is the
// reason for the end.
func TestCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cmd, grandchild := start(t, ctx, "wait")
	why := errors.New("no longer wanted")
	cancel(why)
	if err := Error(ctx, cmd.Wait(), []byte("output")); err != why {
		t.Errorf("%v", err)
	}
	if !gone(grandchild) {
		t.Error("what it has started goes on")
	}
}

// TestEndGroup: so does what a command leaves running when it ends by itself.
func TestEndGroup(t *testing.T) {
	t.Parallel()
	cmd, grandchild := start(t, t.Context(), "exit 3")
	err := cmd.Wait()
	if gone := syscall.Kill(grandchild, 0) != nil; gone {
		t.Error("it has ended already: the test shows nothing")
	}
	EndGroup(cmd)
	if !gone(grandchild) {
		t.Error("what it has started goes on")
	}
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

//go:build !windows

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// invoke runs romfs and returns its exit code and what it printed.
func invoke(t *testing.T, cmd *exec.Cmd) (code int, output string) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if strings.Contains(string(out), "goroutine ") {
		t.Errorf("%v printed a stack trace:\n%s", cmd.Args, out)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// files writes files below a new directory that every user may enter.
func files(t *testing.T, contents map[string]string) string {
	t.Helper()
	dir := shared(t)
	for name, content := range contents {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func list(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// TestSources: what is no ordinary file ends in an error that names it, and
// never in a build that waits.
func TestSources(t *testing.T) {
	t.Parallel()
	const all = "version: 1\nname: app\nfiles: [{src: 'src/**'}]\n"
	for name, tc := range map[string]struct {
		make func(dir string) error
		want string // in the error; empty: the build succeeds
		warn string
	}{
		"FIFO":             {make: func(d string) error { return syscall.Mkfifo(d+"/src/pipe", 0o666) }, want: "src/pipe"},
		"no right":         {make: func(d string) error { return os.WriteFile(d+"/src/secret", []byte("x"), 0) }, want: "src/secret"},
		"closed directory": {make: func(d string) error { return os.Mkdir(d+"/src/closed", 0) }, want: "src/closed"},
		"not UTF-8":        {make: func(d string) error { return os.WriteFile(d+"/src/a\xff", nil, 0o666) }, want: `src/a\xff`},
		"not ASCII":        {make: func(d string) error { return os.WriteFile(d+"/src/ü", nil, 0o666) }, warn: "[non-ascii]"},
		"link out":         {make: func(d string) error { return os.Symlink("/etc/passwd", d+"/src/out") }, want: "src/out"},
		"link loop":        {make: func(d string) error { return os.Symlink("loop", d+"/src/loop") }, want: "src/loop"},
		"socket": {make: func(d string) error {
			fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
			if err != nil {
				return err
			}
			defer syscall.Close(fd)
			return syscall.Bind(fd, &syscall.SockaddrUnix{Name: d + "/src/socket"})
		}, want: "src/socket"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "not UTF-8" && runtime.GOOS == "darwin" {
				return // no such name can exist there
			}
			romfs := sharedTool(t)
			dir := files(t, map[string]string{"romfs.yaml": all, "src/a": "x"})
			if err := tc.make(dir); err != nil {
				t.Fatal(err)
			}
			out := shared(t)
			cmd := exec.Command(romfs, "build", filepath.Join(dir, "romfs.yaml"), "--no-cache", "-o", filepath.Join(out, "image"))
			asNobody(cmd)
			code, output := invoke(t, cmd)
			if tc.want == "" {
				if code != 0 || !strings.Contains(output, tc.warn) {
					t.Errorf("exit %d, want 0 and %q:\n%s", code, tc.warn, output)
				}
				return
			}
			if code != 3 || !strings.Contains(output, tc.want) {
				t.Errorf("exit %d, want 3 and %q:\n%s", code, tc.want, output)
			}
			if got := list(t, out); got != "" {
				t.Errorf("left behind: %s", got)
			}
		})
	}
}

// TestReadOnlyOutput: the old image stays where a new one cannot be written.
func TestReadOnlyOutput(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{"src/a": "x", "out/image": "old"})
	if err := os.Chmod(filepath.Join(dir, "out"), 0o555); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(sharedTool(t), "build", filepath.Join(dir, "src"), "-o", filepath.Join(dir, "out", "image"))
	asNobody(cmd)
	code, output := invoke(t, cmd)
	if code != 1 || !strings.Contains(output, "permission denied; nothing was changed") {
		t.Errorf("exit %d, want 1:\n%s", code, output)
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "out", "image")); string(b) != "old" || list(t, filepath.Join(dir, "out")) != "image" {
		t.Errorf("the folder holds %s, the image %q", list(t, filepath.Join(dir, "out")), b)
	}
}

// TestFullDevice writes to a device, without the rights to replace it: a test
// that root runs must not be able to.
func TestFullDevice(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		return // no /dev/full
	}
	dir := files(t, map[string]string{"src/a": "x"})
	cmd := exec.Command(sharedTool(t), "build", filepath.Join(dir, "src"), "-o", "/dev/full")
	asNobody(cmd)
	code, output := invoke(t, cmd)
	if code != 1 || !strings.Contains(output, "cannot write /dev/full: no space left on device") {
		t.Errorf("exit %d, want 1:\n%s", code, output)
	}
}

// TestDiskFull fills a small file system, where the system lets us have one.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		return // the scripts' /dev/full is Linux, too: nothing to fill here
	}
	dir := files(t, map[string]string{"src/a": strings.Repeat("x", 1<<20)})
	disk := filepath.Join(dir, "disk")
	if err := os.Mkdir(disk, 0o777); err != nil {
		t.Fatal(err)
	}
	// In a mount namespace of its own, the file system goes away by itself.
	script := `mount -t tmpfs -o size=64k tmpfs "$1" && echo old >"$1/image" || { echo no mount; exit 99; }
"$2" build "$3" -o "$1/image"; code=$?
ls -A "$1"; cat "$1/image"; exit $code`
	cmd := exec.Command("unshare", "-Urm", "sh", "-c", script, "sh", disk, sharedTool(t), filepath.Join(dir, "src"))
	code, output := invoke(t, cmd)
	if strings.Contains(output, "no mount") || strings.Contains(output, "unshare:") {
		t.Logf("no file system to fill here: %s", output)
		// A limit on the size of files is the next best thing.
		cmd = exec.Command("sh", "-c", `trap '' XFSZ; ulimit -f 64; echo old >"$1/image"; "$2" build "$3" -o "$1/image"; code=$?
ls -A "$1"; cat "$1/image"; exit $code`, "sh", disk, sharedTool(t), filepath.Join(dir, "src"))
		code, output = invoke(t, cmd)
	}
	if code != 1 || !strings.Contains(output, "nothing was changed") || !strings.HasSuffix(output, "\nimage\nold\n") {
		t.Errorf("exit %d, want 1, and the old image alone:\n%s", code, output)
	}
}

// TestInterrupt presses Ctrl-C while a compiler runs that never ends: nothing
// is left, no file and no process.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			dir := files(t, map[string]string{
				"src/a.py": "x = 1\n", "src/b.py": "y = 1\n",
				// It starts a child of its own, which must end too.
				"script": `#!/bin/sh
if [ "$1" = --version ]; then echo 'MicroPython v1.29.0 on 2026-08-01; mpy-cross emitting mpy v6.3'; exit; fi
sleep 1000 &
echo $! $$ >"$PIDS/$$.new" && mv "$PIDS/$$.new" "$PIDS/$$.pid"
wait
`,
			})
			compiler := copyExecutable(t, filepath.Join(dir, "script"), filepath.Join(dir, "mpy-cross"))
			out, pids := shared(t), shared(t)
			var stderr bytes.Buffer
			cmd := exec.Command(sharedTool(t), "build", filepath.Join(dir, "src"), "-o", filepath.Join(out, "image"), "--jobs", "2",
				"--mpy-cross", compiler, "--cache-dir", filepath.Join(dir, "cache"))
			cmd.Env = append(os.Environ(), "PIDS="+pids)
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			exited := make(chan error, 1)
			go func() { exited <- cmd.Wait() }()
			await(t, "two running compilers", exited, func() bool { return strings.Count(list(t, pids), ".pid") == 2 })
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			<-exited
			if code := cmd.ProcessState.ExitCode(); code != 130 || stderr.String() != "error: interrupted\n" {
				t.Errorf("exit %d, want 130 and one line:\n%s", code, stderr.String())
			}
			if got := list(t, out); got != "" {
				t.Errorf("left behind: %s", got)
			}
			for _, name := range strings.Fields(list(t, pids)) {
				b, err := os.ReadFile(filepath.Join(pids, name))
				if err != nil {
					t.Fatal(err)
				}
				for _, pid := range strings.Fields(string(b)) {
					n, err := strconv.Atoi(pid)
					if err != nil {
						t.Fatal(err)
					}
					await(t, "the end of process "+pid, nil, func() bool { return gone(n) })
				}
			}
		})
	}
}

// gone reports whether a process has ended; a zombie that nobody reaps counts.
func gone(pid int) bool {
	if syscall.Kill(pid, 0) == syscall.ESRCH {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

// await polls until something is so. The limit is for a build that hangs, not
// for one that is slow.
func await(t *testing.T, what string, failed <-chan error, is func() bool) {
	t.Helper()
	limit := time.After(2 * time.Minute)
	for !is() {
		select {
		case err := <-failed:
			t.Fatalf("ended before %s: %v", what, err)
		case <-limit:
			t.Fatalf("waited too long for %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

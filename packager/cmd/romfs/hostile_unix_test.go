//go:build !windows

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"rules_romfs/internal/peer"
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

// TestCacheThatFails: a build without a cache that works is slower, says so where
// somebody wanted one, and makes the same bytes.
func TestCacheThatFails(t *testing.T) {
	t.Parallel()
	romfs, compiler := sharedTool(t), copyExecutable(t, peer.MpyCross(t), filepath.Join(shared(t), "mpy-cross"))
	dir := files(t, map[string]string{"src/a.py": "x = 1\n", "file": ""})
	readOnly := filepath.Join(dir, "read-only")
	if err := os.Mkdir(readOnly, 0o555); err != nil {
		t.Fatal(err)
	}
	build := func(env []string, args ...string) (image []byte, output string) {
		out := filepath.Join(shared(t), "image")
		cmd := exec.Command(romfs, append([]string{"build", filepath.Join(dir, "src"), "-o", out, "--mpy-cross", compiler}, args...)...)
		cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), race + "=" + os.Getenv(race)}, env...)
		asNobody(cmd)
		code, output := invoke(t, cmd)
		image, err := os.ReadFile(out)
		if code != 0 || err != nil {
			t.Errorf("%v: exit %d, %v:\n%s", env, code, err, output)
		}
		return image, output
	}
	want, _ := build(nil, "--no-cache")
	for name, tc := range map[string]struct {
		env  []string
		warn bool
	}{
		"a file":              {[]string{"ROMFS_CACHE=" + filepath.Join(dir, "file")}, true},
		"below a file":        {[]string{"ROMFS_CACHE=" + filepath.Join(dir, "file", "cache")}, true},
		"no right":            {[]string{"ROMFS_CACHE=" + filepath.Join(readOnly, "cache")}, true},
		"home without rights": {[]string{"HOME=" + readOnly}, true},
		"no home":             {nil, false}, // nobody can have wanted one
		"nothing temporary":   {[]string{"TMPDIR=" + readOnly, "HOME=" + shared(t)}, false},
	} {
		got, output := build(tc.env)
		if !bytes.Equal(got, want) {
			t.Errorf("%s: other bytes than without a cache", name)
		}
		if warned := strings.Contains(output, "[cache]"); warned != tc.warn {
			t.Errorf("%s: a warning: %t, want %t:\n%s", name, warned, tc.warn, output)
		}
	}
}

// TestKilledWhileWriting: after a SIGKILL the image is the old one or the new one,
// and the next build takes away what the killed one has left.
func TestKilledWhileWriting(t *testing.T) {
	t.Parallel()
	romfs, dir := sharedTool(t), files(t, map[string]string{"src/a": strings.Repeat("new", 16<<20)})
	out := filepath.Join(dir, "out")
	build := func(src, image string) *exec.Cmd {
		return exec.Command(romfs, "build", filepath.Join(dir, src), "-o", image, "--no-mpy")
	}
	whole := filepath.Join(shared(t), "whole")
	if code, output := invoke(t, build("src", whole)); code != 0 {
		t.Fatalf("exit %d:\n%s", code, output)
	}
	want, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(out, 0o777); err != nil {
		t.Fatal(err)
	}
	image := filepath.Join(out, "image")
	if err := os.WriteFile(image, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := build("src", image)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for running := true; running && !strings.Contains(list(t, out), ".romfs-"); {
		select {
		case err := <-ended:
			ended <- err
			running = false // it was faster than we look
		default:
		}
	}
	cmd.Process.Kill()
	<-ended
	if got, err := os.ReadFile(image); err != nil || string(got) != "old" && !bytes.Equal(got, want) {
		t.Errorf("%v; the image has %d bytes, and is neither the old one nor the new one", err, len(got))
	}
	if code, output := invoke(t, build("src", image)); code != 0 {
		t.Errorf("exit %d:\n%s", code, output)
	}
	if got := list(t, out); got != "image image.json" {
		t.Errorf("there is %s", got)
	}
}

// TestManifestWithoutRights: what may not be read is named.
func TestManifestWithoutRights(t *testing.T) {
	t.Parallel()
	manifest := filepath.Join(files(t, map[string]string{"romfs.yaml": "version: 1\n"}), "romfs.yaml")
	if err := os.Chmod(manifest, 0); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(sharedTool(t), "build", manifest)
	asNobody(cmd)
	if code, output := invoke(t, cmd); code != 3 || output != "error: "+manifest+": cannot be read: permission denied\n" {
		t.Errorf("exit %d, want 3:\n%s", code, output)
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

package port

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMain lets the test program be another process that wants a lock.
func TestMain(m *testing.M) {
	if name := os.Getenv("TEST_ACQUIRE"); name != "" {
		_, err := Acquire(name)
		var e *Error
		if errors.As(err, &e) {
			code, _ := e.Advice()
			os.Stdout.WriteString(code + " " + err.Error())
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestLock: a port is locked under each of its names, for other processes and
// other users, and who has it is said. Nothing stays behind.
func TestLock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, device := openPTY(t)
	host := fmt.Sprintf("h%d:7001", os.Getpid()) // the lock is the machine's
	if err := os.Symlink(device, filepath.Join(dir, "by-id")); err != nil {
		t.Fatal(err)
	}
	for _, names := range [][2]string{
		{"socket://" + host, "rfc2217://" + strings.ToUpper(host)},
		{filepath.Join(dir, "by-id"), device},
	} {
		l, err := Acquire(names[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			_, err := Acquire(name)
			wantCode(t, err, CodeBusy)
			users := []*syscall.Credential{nil}
			if os.Geteuid() == 0 && !strings.HasPrefix(name, dir) { // where only we can look
				users = append(users, &syscall.Credential{Uid: 65534, Gid: 65534})
			}
			for _, user := range users {
				if said := acquireAs(t, name, user); !strings.HasPrefix(said, CodeBusy) || !strings.Contains(said, "romfs, process ") {
					t.Errorf("another process, user %v: %q", user, said)
				}
			}
		}
		l.Release()
		l, err = Acquire(names[1])
		if err != nil {
			t.Fatal(err)
		}
		l.Release()
	}
	if l, err := Acquire("exec:cat"); l != nil || err != nil {
		t.Error("a process of our own is locked")
	}
}

// TestTTYIsGivenBack: a program that is being started as a lock is given back has
// the device open until it runs, and takes nobody's lock along.
func TestTTYIsGivenBack(t *testing.T) {
	t.Parallel()
	_, device := openPTY(t)
	first, err := lockTTY(device)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockTTY(device); !errors.Is(err, errLocked) {
		t.Errorf("locked twice: %v", err)
	}
	started, err := unix.Dup(int(first.(ttyLock)))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(started)
	first.Close()
	second, err := lockTTY(device)
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
}

// acquireAs returns what Acquire says in another process.
func acquireAs(t *testing.T, name string, user *syscall.Credential) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// Another user may neither reach the folder of the test program nor, where
	// a remote executor laid it there, run it: a copy without a name does.
	fd, err := unix.MemfdCreate("lock-test", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	program := os.NewFile(uintptr(fd), "lock-test")
	defer program.Close()
	in, err := os.Open(exe)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if _, err := io.Copy(program, in); err != nil {
		t.Fatal(err)
	}
	if err := program.Chmod(0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/fd/3")
	cmd.ExtraFiles = []*os.File{program}
	cmd.Dir = "/"
	cmd.Env = []string{"TEST_ACQUIRE=" + name}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: user}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// TestLockFiles: where locks are files, they lie in a folder of the user's own,
// and nothing that somebody else put in their way is followed or changed.
func TestLockFiles(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "locks")
	l, err := acquireIn(dir, "key")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := acquireIn(dir, "key"); !errors.Is(err, errLocked) {
		t.Errorf("locked twice: %v", err)
	}
	if other, err := acquireIn(dir, "other"); err != nil {
		t.Error(err)
	} else {
		other.Close()
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = acquireIn(dir, "key"); err != nil {
		t.Fatal(err)
	}
	l.Close()

	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, filepath.Join(dir, "trap.lock")); err != nil {
		t.Fatal(err)
	}
	if _, err := acquireIn(dir, "trap"); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("a link is followed: %v", err)
	}
	if b, err := os.ReadFile(victim); err != nil || string(b) != "mine" {
		t.Errorf("%q, %v", b, err)
	}

	for name, make := range map[string]func(path string) error{
		"open to others": func(path string) error { return errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, 0o777)) },
		"a link":         func(path string) error { return os.Symlink(filepath.Dir(victim), path) },
		"of another user": func(path string) error {
			if os.Geteuid() != 0 {
				return os.WriteFile(path, nil, 0o600) // no user can make one; no folder at all
			}
			return errors.Join(os.Mkdir(path, 0o700), os.Chown(path, 65534, 65534))
		},
	} {
		path := filepath.Join(t.TempDir(), "locks")
		if err := make(path); err != nil {
			t.Fatal(err)
		}
		before, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if l, err := acquireIn(path, "key"); err == nil {
			l.Close()
			t.Errorf("a folder that is %s is used", name)
		}
		after, err := os.Stat(path)
		if err != nil || after.Mode() != before.Mode() {
			t.Errorf("%s: mode %v, before %v; %v", name, after.Mode(), before.Mode(), err)
		}
	}
}

package port

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A Lock keeps two deploys from using one port at a time. It is an advisory
// lock on a small file, which the system releases however the process ends.
type Lock struct {
	file *os.File
	path string
}

// errLocked is what lockFile returns when another process has the lock.
var errLocked = errors.New("locked")

// lockDir is where lock files are: the same for all users of the machine.
func lockDir() string { return filepath.Join(os.TempDir(), "romfs-locks") }

// Acquire locks a port by its device, however it was named. A port that is
// ours alone, as a process that we start, needs none: then the lock is nil.
func Acquire(port string) (*Lock, error) {
	if strings.HasPrefix(port, "exec:") || strings.HasPrefix(port, "sim:") {
		return nil, nil
	}
	name := port
	if real, err := filepath.EvalSymlinks(port); err == nil {
		name = real // /dev/serial/by-id/… is a link
	}
	dir := lockDir()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	os.Chmod(dir, 0o777|os.ModeSticky) // fails for those who did not make it; then it has it
	path := filepath.Join(dir, fmt.Sprintf("%.12x.lock", sha256.Sum256([]byte(name))))
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil {
			return nil, err
		}
		if err := lockFile(f); err != nil {
			holder := make([]byte, 64)
			n, _ := f.Read(holder)
			f.Close()
			if errors.Is(err, errLocked) {
				return nil, &Error{port, fmt.Errorf("busy: %s has it", cmp.Or(strings.TrimSpace(string(holder[:n])), "another romfs"))}
			}
			return nil, err
		}
		// Whoever had it before may have removed the file while we waited to
		// open it; a lock on a removed file protects nothing.
		ours, err1 := f.Stat()
		there, err2 := os.Stat(path)
		if err1 != nil || err2 != nil || !os.SameFile(ours, there) {
			f.Close()
			continue
		}
		f.Truncate(0)
		fmt.Fprintf(f, "romfs, process %d\n", os.Getpid())
		return &Lock{f, path}, nil
	}
}

func (l *Lock) Release() {
	if l == nil {
		return
	}
	os.Remove(l.path)
	l.file.Close()
}

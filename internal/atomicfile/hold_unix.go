//go:build unix

package atomicfile

import (
	"os"

	"golang.org/x/sys/unix"
)

// lock takes the lock of an open file, unless another has it. Where there are no
// locks, nobody has one, and unknown is set.
func lock(f *os.File) (taken, unknown bool) {
	switch err := control(f, func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) }); err {
	case nil:
		return true, false
	case unix.EWOULDBLOCK:
		return false, false
	}
	return false, true
}

// keepLock returns a second handle of a locked file: the lock is held until both
// are closed. It is nil where there is none.
func keepLock(f *os.File) *os.File {
	second := -1
	err := control(f, func(fd int) (err error) {
		second, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return nil
	}
	return os.NewFile(uintptr(second), f.Name())
}

func control(f *os.File, do func(fd int) error) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := c.Control(func(fd uintptr) { inner = do(int(fd)) }); err != nil {
		return err
	}
	return inner
}

// removeLeftover removes the temporary file of that path if nobody is writing it.
func removeLeftover(path string) {
	f, err := os.OpenFile(path, os.O_WRONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if taken, _ := lock(f); taken && sameFile(f, path) {
		os.Remove(path)
	}
}

//go:build unix

package port

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// noFollow makes opening a link an error.
const noFollow = syscall.O_NOFOLLOW

// private tells whether a folder belongs to this user, and to nobody else.
func private(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid() && info.Mode().Perm()&0o077 == 0
}

// A ttyLock is a descriptor of the device itself.
type ttyLock int

// Close gives the lock back. Closing alone would leave it with a program that is
// being started at this moment, until it runs.
func (l ttyLock) Close() error {
	unlocked := unix.Flock(int(l), unix.LOCK_UN)
	return errors.Join(unlocked, unix.Close(int(l)))
}

// lockTTY locks a serial device as pyserial's users do (mpremote, esptool), who
// so see us, and we them, whoever runs them. A device that does not open is left
// for whoever opens it to explain.
func lockTTY(name string) (io.Closer, error) {
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nopCloser{}, nil
	}
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		unix.Close(fd)
		return nil, fmt.Errorf("%w: another program has it open", errLocked)
	}
	return ttyLock(fd), nil
}

// deniedHint says how one comes to be allowed to use a serial device.
func deniedHint(name string) string {
	group := "the group of the device"
	if info, err := os.Stat(name); err == nil {
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			if g, err := user.LookupGroupId(strconv.Itoa(int(stat.Gid))); err == nil {
				group += ", " + g.Name
			}
		}
	}
	return "join " + group + ", and log in again"
}

// accessible tells whether this user may open a device.
func accessible(name string) bool { return unix.Access(name, unix.R_OK|unix.W_OK) == nil }

package port

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// acquire takes the lock called key. It is the name of a socket in Linux's
// abstract name space, which all users of the machine share, and which leaves
// nothing behind: there is no file that another user could own, forge or not
// open. Where such sockets are forbidden, files do.
func acquire(key string) (io.Closer, error) {
	name := "@rules_romfs/port/" + key
	l, err := net.Listen("unix", name)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%w: %s has it", errLocked, holder(name))
	}
	return acquireFile(key)
}

// holder names the process that has a lock.
func holder(name string) string {
	const unknown = "another romfs"
	c, err := net.Dial("unix", name)
	if err != nil {
		return unknown
	}
	defer c.Close()
	raw, err := c.(*net.UnixConn).SyscallConn()
	if err != nil {
		return unknown
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil || credErr != nil {
		return unknown
	}
	who := fmt.Sprintf("romfs, process %d", cred.Pid)
	if cred.Uid != uint32(os.Geteuid()) {
		id := strconv.Itoa(int(cred.Uid))
		if u, err := user.LookupId(id); err == nil {
			id = u.Username
		}
		who += " of user " + id
	}
	return who
}

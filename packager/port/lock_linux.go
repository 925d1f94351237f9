package port

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/user"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// acquire takes the lock called key. It is the name of a socket in Linux's
// abstract name space, which all users of the machine share, and which leaves
// nothing behind: there is no file that another user could own, forge or not
// open. Where such sockets are forbidden, files do.
func acquire(key string) (io.Closer, error) {
	name := "@rules_romfs/port/" + key
	for deadline := time.Now().Add(time.Second); ; time.Sleep(time.Millisecond) {
		l, err := net.Listen("unix", name)
		switch {
		case err == nil:
			ours.Store(key, true)
			return &listener{l, key}, nil
		case !errors.Is(err, syscall.EADDRINUSE):
			return acquireFile(key)
		}
		// A process that we are just starting has our sockets until it is another program:
		// one that we have given free may still be there. And nobody holds one that has
		// just been given free.
		pid, who := holder(name)
		_, held := ours.Load(key)
		if held || pid != 0 && pid != os.Getpid() || time.Now().After(deadline) {
			return nil, fmt.Errorf("%w: %s has it", errLocked, who)
		}
	}
}

// ours are the keys of the locks that this process holds.
var ours sync.Map

// A listener is a lock that is held.
type listener struct {
	net.Listener
	key string
}

func (l *listener) Close() error {
	ours.Delete(l.key)
	return l.Listener.Close()
}

// holder names the process that has a lock.
func holder(name string) (pid int, who string) {
	const unknown = "another romfs"
	c, err := net.Dial("unix", name)
	if err != nil {
		return 0, unknown
	}
	defer c.Close()
	raw, err := c.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0, unknown
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil || credErr != nil {
		return 0, unknown
	}
	who = fmt.Sprintf("romfs, process %d", cred.Pid)
	if cred.Uid != uint32(os.Geteuid()) {
		id := strconv.Itoa(int(cred.Uid))
		if u, err := user.LookupId(id); err == nil {
			id = u.Username
		}
		who += " of user " + id
	}
	return int(cred.Pid), who
}

package simboard

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// A ptyMaster is the board's side of a pseudo-terminal.
type ptyMaster struct {
	*os.File
	terminal string // path of the host's side
}

// openPTY makes a pseudo-terminal that only this user can open: whoever writes
// to it runs code. Our own handle of the host's side is closed again, so that the
// kernel tells whether a host has it open.
func openPTY() (*ptyMaster, error) {
	master, terminal, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("pseudo-terminal: %w", err)
	}
	defer terminal.Close()
	if err := terminal.Chmod(0o600); err != nil {
		master.Close()
		return nil, fmt.Errorf("pseudo-terminal: %w", err)
	}
	if _, err := term.MakeRaw(int(terminal.Fd())); err != nil {
		master.Close()
		return nil, fmt.Errorf("pseudo-terminal: %w", err)
	}
	if master, err = pollable(master); err != nil {
		return nil, fmt.Errorf("pseudo-terminal: %w", err)
	}
	return &ptyMaster{master, terminal.Name()}, nil
}

// pollable exchanges a blocking file for one whose reads end when it is closed.
func pollable(f *os.File) (*os.File, error) {
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// retired are the host's sides of pseudo-terminals that are gone.
var retired struct {
	mu    sync.Mutex
	files []*os.File
}

// retire takes the terminal away: its path is gone at once. The kernel gives the
// number in it to the next one that anybody opens, and whoever comes back to a
// board by the old path would meet another's. So the number stays taken for as
// long as this process lives, by a handle of the terminal that nobody uses.
func (p *ptyMaster) retire() {
	fd, err := unix.Open(p.terminal, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	p.Close()
	if err == nil {
		retired.mu.Lock()
		defer retired.mu.Unlock()
		retired.files = append(retired.files, os.NewFile(uintptr(fd), p.terminal))
	}
}

// hasHost says whether anybody has the terminal side open.
func (p *ptyMaster) hasHost() bool {
	conn, err := p.SyscallConn()
	if err != nil {
		return false
	}
	open := false
	conn.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		_, err := unix.Poll(fds, 0)
		for err == unix.EINTR { // a signal of Go's own scheduler says nothing about the host
			_, err = unix.Poll(fds, 0)
		}
		open = err == nil && fds[0].Revents&unix.POLLHUP == 0
	})
	return open
}

// symlink points path to a terminal; it replaces a symlink, but nothing else.
func symlink(terminal, path string) error {
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSymlink != 0 {
		os.Remove(path)
	}
	err := os.Symlink(terminal, path)
	if errors.Is(err, fs.ErrExist) {
		return optionError("%s is there already and no symlink, so it is kept; choose another path for the link", path)
	}
	return err
}

func (l *link) ptyPath() string {
	if p := l.master(); p != nil {
		return p.terminal
	}
	return ""
}

// ptyLoop reads the pty. The kernel does not tell when a host opens it, so
// while nobody has it open this looks every few milliseconds.
func (l *link) ptyLoop() {
	buf := make([]byte, 4096)
	for wasOpen := false; l.board.sleep(0); {
		p, plug := l.pluggedMaster()
		open := p != nil && p.hasHost()
		if open && !wasOpen {
			l.opened()
		}
		if wasOpen = open; !open {
			time.Sleep(2 * time.Millisecond)
			continue
		}
		n, _ := p.Read(buf) // an error means that the host closed it: the next round sees
		l.fromHost(buf[:n], plug)
	}
}

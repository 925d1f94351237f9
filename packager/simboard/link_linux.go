package simboard

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// A link is the serial line between host and board. Its host end is a pty and
// a TCP port at once, as a board may have a UART and USB; both carry the same.
type link struct {
	board    *Board
	listener net.Listener
	addr     string
	in, out  *pacer
	inMu     sync.Mutex // of toBoard, which has its own order of bytes
	toBoard  *disturber
	outMu    sync.Mutex
	toHost   *disturber

	mu   sync.Mutex
	pty  *os.File // nil while unplugged
	name string
	conn net.Conn
	wg   sync.WaitGroup

	countMu   sync.Mutex
	direction int   // of the last byte: 1 to the board, 2 to the host
	cutAt     int64 // bytes from the host until the power goes off; 0: never
	received  int64
	sent      int64
	turns     int
}

func newLink(b *Board, in, out *rand.Rand) (*link, error) {
	f := &b.opts.Faults
	l := &link{board: b, cutAt: f.CutAtByte,
		toBoard: &disturber{Disturbance: f.ToBoard, rand: in},
		toHost:  &disturber{Disturbance: f.ToHost, noise: f.Noise, rand: out}}
	if err := l.listen(); err != nil {
		return nil, err
	}
	if err := l.openPTY(); err != nil {
		l.listener.Close()
		return nil, err
	}
	l.in = newPacer(f.Baud, f.Latency, b.receive)
	l.out = newPacer(f.Baud, f.Latency, l.deliver)
	l.wg.Add(2)
	go l.acceptLoop()
	go l.ptyLoop()
	return l, nil
}

// listen opens the TCP port, on the loopback interface only.
func (l *link) listen() error {
	addr, err := net.ResolveTCPAddr("tcp", l.board.opts.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", l.board.opts.Listen, err)
	}
	if !addr.IP.IsLoopback() {
		return optionError("listen on %s: a board without a password is offered on loopback addresses only", l.board.opts.Listen)
	}
	if l.listener, err = net.ListenTCP("tcp", addr); err != nil {
		return fmt.Errorf("listen on %s: %w", l.board.opts.Listen, err)
	}
	l.addr = l.listener.Addr().String()
	return nil
}

// openPTY makes the pseudo-terminal. Our own handle of its terminal side is
// closed again, so that the kernel tells whether a host has it open.
func (l *link) openPTY() error {
	master, terminal, err := pty.Open()
	if err != nil {
		return fmt.Errorf("pseudo-terminal: %w", err)
	}
	defer terminal.Close()
	if _, err := term.MakeRaw(int(terminal.Fd())); err != nil {
		master.Close()
		return fmt.Errorf("pseudo-terminal: %w", err)
	}
	if master, err = pollable(master); err != nil {
		return fmt.Errorf("pseudo-terminal: %w", err)
	}
	if path := l.board.opts.Link; path != "" {
		if err := symlink(terminal.Name(), path); err != nil {
			master.Close()
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pty, l.name = master, terminal.Name()
	return nil
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
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.name
}

// master returns the pty while one is plugged in, and whether a host has it open.
func (l *link) master() (f *os.File, open bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pty, l.pty != nil && hasHost(l.pty)
}

// hasHost says whether anybody has the terminal side open.
func hasHost(master *os.File) bool {
	conn, err := master.SyscallConn()
	if err != nil {
		return false
	}
	open := false
	conn.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, 0); err == nil {
			open = fds[0].Revents&unix.POLLHUP == 0
		}
	})
	return open
}

// ptyLoop reads the pty. The kernel does not tell when a host opens it, so
// while nobody has it open this looks every few milliseconds.
func (l *link) ptyLoop() {
	defer l.wg.Done()
	buf := make([]byte, 4096)
	for wasOpen := false; l.board.sleep(0); {
		master, open := l.master()
		if open && !wasOpen {
			l.opened()
		}
		if wasOpen = open; !open {
			time.Sleep(2 * time.Millisecond)
			continue
		}
		n, _ := master.Read(buf) // an error means that the host closed it: the next round sees
		l.fromHost(buf[:n])
	}
}

// opened is what the board notices of a host that opens its port.
func (l *link) opened() {
	if l.board.opts.Faults.ResetOnOpen {
		l.board.end(reset{cause: causeHard, why: "opening the port reset the board"})
	}
}

// acceptLoop takes one TCP connection at a time, as a serial port does.
func (l *link) acceptLoop() {
	defer l.wg.Done()
	for {
		c, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.mu.Lock()
		if l.conn != nil || l.pty == nil {
			l.mu.Unlock()
			c.Close()
			continue
		}
		l.conn = c
		l.mu.Unlock()
		l.opened()
		l.wg.Go(func() { l.connLoop(c) })
	}
}

func (l *link) connLoop(c net.Conn) {
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		l.fromHost(buf[:n])
		if err != nil {
			break
		}
	}
	c.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn == c {
		l.conn = nil
	}
}

// fromHost puts what the host sent on the line.
func (l *link) fromHost(p []byte) {
	if len(p) == 0 {
		return
	}
	l.inMu.Lock()
	defer l.inMu.Unlock()
	p, cut := l.countReceived(p)
	l.in.push(l.toBoard.pass(append([]byte(nil), p...)), l.board.ctx.Done())
	if cut {
		l.board.setPower(false)
		l.board.end(reset{off: true, why: "the power was cut at a byte from the host"})
	}
}

// send puts the board's output on the line; it waits as long as the line is busy, until stop is closed.
func (l *link) send(p []byte, stop <-chan struct{}) {
	if len(p) == 0 {
		return
	}
	l.outMu.Lock()
	defer l.outMu.Unlock()
	p = l.toHost.pass(p)
	l.countMu.Lock()
	l.sent += int64(len(p))
	if l.direction == 1 {
		l.turns++
	}
	l.direction = 2
	l.countMu.Unlock()
	l.out.push(append([]byte(nil), p...), stop)
}

// countReceived counts, and returns what arrives before the power goes off.
func (l *link) countReceived(p []byte) (before []byte, cut bool) {
	l.countMu.Lock()
	defer l.countMu.Unlock()
	l.direction = 1
	l.received += int64(len(p))
	if l.cutAt > 0 {
		if int64(len(p)) >= l.cutAt {
			p, cut = p[:l.cutAt], true
		}
		l.cutAt -= int64(len(p))
	}
	return p, cut
}

func (l *link) cutAfter(n int64) {
	l.countMu.Lock()
	defer l.countMu.Unlock()
	l.cutAt = n
}

func (l *link) count(s *Stats) {
	l.countMu.Lock()
	defer l.countMu.Unlock()
	s.HostToBoard, s.BoardToHost, s.Turnarounds = l.received, l.sent, l.turns
	s.LostBytes = l.board.ring.lostBytes(false)
}

func (l *link) resetCount() {
	l.countMu.Lock()
	defer l.countMu.Unlock()
	l.received, l.sent, l.turns, l.direction = 0, 0, 0, 0
	l.board.ring.lostBytes(true)
}

// deliver hands bytes to whoever listens; with nobody there they are lost.
func (l *link) deliver(p []byte) {
	l.mu.Lock()
	conn := l.conn
	l.mu.Unlock()
	if conn != nil {
		conn.Write(p)
	}
	if master, open := l.master(); open {
		master.Write(p)
	}
}

// unplug takes the ports away, as a USB device that resets does; openPTY brings
// them back, the pty under a new name.
func (l *link) unplug() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil {
		l.conn.Close()
		l.conn = nil
	}
	if l.pty != nil {
		l.pty.Close()
		l.pty = nil
	}
	if path := l.board.opts.Link; path != "" {
		os.Remove(path)
	}
}

func (l *link) unplugged() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pty == nil
}

func (l *link) close() {
	l.listener.Close()
	l.unplug()
	l.in.close()
	l.out.close()
	l.wg.Wait()
}

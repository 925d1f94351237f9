package simboard

import (
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// A link is the serial line between host and board. Its host end is a pty and
// a TCP port at once, as a board's UART and USB may be; both carry the same.
type link struct {
	board    *Board
	listener net.Listener
	in, out  *pacer

	mu     sync.Mutex
	pty    *os.File
	name   string
	conn   net.Conn
	closed bool
	toward int // direction of the last byte: 1 to the board, 2 to the host
	stats  struct{ toBoard, toHost, turns int64 }
	wg     sync.WaitGroup
}

func newLink(b *Board) (*link, error) {
	l := &link{board: b}
	f := b.opts.Faults
	l.in = newPacer(f.Baud, f.Latency, func(p []byte) { b.receive(p) })
	l.out = newPacer(f.Baud, f.Latency, l.deliver)
	var err error
	if l.listener, err = net.Listen("tcp", b.opts.Listen); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", b.opts.Listen, err)
	}
	if err := l.openPTY(); err != nil {
		l.listener.Close()
		return nil, err
	}
	l.wg.Add(2)
	go l.acceptLoop()
	go l.ptyLoop()
	return l, nil
}

// openPTY makes the pseudo-terminal. Our own handle of its terminal side is
// closed again, so that the kernel tells us whether a host has it open.
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
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pty, l.name = master, terminal.Name()
	return nil
}

func (l *link) ptyPath() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.name
}

// hungUp says whether no host has the pty open.
func hungUp(master *os.File) bool {
	sc, err := master.SyscallConn()
	if err != nil {
		return true
	}
	up := false
	sc.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, 0); err == nil {
			up = fds[0].Revents&unix.POLLHUP == 0
		}
	})
	return !up
}

func (l *link) ptyLoop() {
	defer l.wg.Done()
	buf := make([]byte, 4096)
	for !l.isClosed() {
		if hungUp(l.pty) {
			time.Sleep(2 * time.Millisecond)
			continue
		}
		n, err := l.pty.Read(buf)
		if n > 0 {
			l.fromHost(buf[:n])
		}
		if err != nil {
			time.Sleep(time.Millisecond)
		}
	}
}

func (l *link) acceptLoop() {
	defer l.wg.Done()
	for {
		c, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.mu.Lock()
		if l.conn != nil || l.closed { // one host at a time, as on a serial port
			l.mu.Unlock()
			c.Close()
			continue
		}
		l.conn = c
		l.wg.Add(1)
		l.mu.Unlock()
		go l.connLoop(c)
	}
}

func (l *link) connLoop(c net.Conn) {
	defer l.wg.Done()
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if n > 0 {
			l.fromHost(buf[:n])
		}
		if err != nil {
			break
		}
	}
	c.Close()
	l.mu.Lock()
	l.conn = nil
	l.mu.Unlock()
}

func (l *link) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

func (l *link) fromHost(p []byte) {
	l.account(1, len(p))
	l.in.push(append([]byte(nil), p...), l.board.ctx.Done())
}

// send carries bytes to the host; it waits as long as the line is busy, until stop is closed.
func (l *link) send(p []byte, stop <-chan struct{}) {
	if len(p) == 0 {
		return
	}
	l.account(2, len(p))
	l.out.push(append([]byte(nil), p...), stop)
}

func (l *link) account(direction, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if direction == 1 {
		l.stats.toBoard += int64(n)
	} else {
		l.stats.toHost += int64(n)
		if l.toward == 1 {
			l.stats.turns++
		}
	}
	l.toward = direction
}

func (l *link) count(s *Stats) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.HostToBoard, s.BoardToHost, s.Turnarounds = l.stats.toBoard, l.stats.toHost, int(l.stats.turns)
	l.board.ring.mu.Lock()
	s.LostBytes = l.board.ring.lost
	l.board.ring.mu.Unlock()
}

// deliver hands bytes to whoever listens; with nobody there they are lost.
func (l *link) deliver(p []byte) {
	l.mu.Lock()
	master, conn := l.pty, l.conn
	l.mu.Unlock()
	if conn != nil {
		conn.Write(p)
	}
	if !hungUp(master) {
		master.Write(p)
	}
}

func (l *link) close() {
	l.mu.Lock()
	l.closed = true
	l.listener.Close()
	if l.conn != nil {
		l.conn.Close()
	}
	l.pty.Close()
	l.mu.Unlock()
	l.in.close()
	l.out.close()
	l.wg.Wait()
}

// A pacer carries bytes in one direction at the line's speed and latency.
type pacer struct {
	perByte time.Duration
	latency time.Duration
	deliver func([]byte)
	queue   chan packet
	quit    chan struct{}
	ended   chan struct{}
	once    sync.Once
	mu      sync.Mutex
	free    time.Time // when the line can take the next byte
}

type packet struct {
	data  []byte
	start time.Time // when its first bit goes on the line
}

// backlog is how far ahead of the line a sender may be: its transmit buffer.
const backlog = 256

func newPacer(baud int, latency time.Duration, deliver func([]byte)) *pacer {
	p := &pacer{latency: latency, deliver: deliver, queue: make(chan packet, 4096), quit: make(chan struct{}), ended: make(chan struct{})}
	if baud > 0 {
		p.perByte = time.Second * 10 / time.Duration(baud)
	}
	go p.run()
	return p
}

// push puts data on the line. It waits while the transmit buffer is full.
func (p *pacer) push(data []byte, stop <-chan struct{}) {
	for len(data) > 0 {
		n := len(data)
		if p.perByte > 0 {
			n = min(n, backlog)
		}
		p.mu.Lock()
		start := time.Now()
		if p.free.After(start) {
			start = p.free
		}
		p.free = start.Add(time.Duration(n) * p.perByte)
		ahead := time.Until(p.free) - backlog*p.perByte
		p.mu.Unlock()
		select {
		case p.queue <- packet{data[:n], start}:
		case <-stop:
			return
		case <-p.quit:
			return
		}
		data = data[n:]
		if ahead > 0 {
			select {
			case <-time.After(ahead):
			case <-stop:
				return
			case <-p.quit:
				return
			}
		}
	}
}

func (p *pacer) run() {
	defer close(p.ended)
	for {
		select {
		case <-p.quit:
			return
		case k := <-p.queue:
			if !p.carry(k) {
				return
			}
		}
	}
}

// carry delivers a packet's bytes, each when it has arrived.
func (p *pacer) carry(k packet) bool {
	for len(k.data) > 0 {
		n := len(k.data)
		if p.perByte > 0 || p.latency > 0 {
			since := time.Since(k.start) - p.latency
			if p.perByte > 0 {
				n = min(n, int(since/p.perByte))
			}
			if since < 0 || n <= 0 {
				wait := max(p.perByte-since, 100*time.Microsecond)
				select {
				case <-time.After(wait):
				case <-p.quit:
					return false
				}
				continue
			}
			k.start = k.start.Add(time.Duration(n) * p.perByte)
		}
		p.deliver(k.data[:n])
		k.data = k.data[n:]
	}
	return true
}

func (p *pacer) close() {
	p.once.Do(func() { close(p.quit) })
	<-p.ended
}

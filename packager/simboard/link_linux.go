package simboard

import (
	"math/rand/v2"
	"net"
	"os"
	"sync"
)

// A link is the serial line between host and board. Its host end is a pty, a
// connection of this process (Dial), and where it was asked for a TCP port, as a
// board may have a UART and USB; all carry the same.
type link struct {
	board    *Board
	listener net.Listener // nil: none
	addr     string
	in, out  *pacer
	inMu     sync.Mutex // of toBoard, which has its own order of bytes
	toBoard  *disturber
	outMu    sync.Mutex
	toHost   *disturber

	mu     sync.Mutex
	pty    *ptyMaster // nil while unplugged
	conn   net.Conn
	hungUp chan struct{} // closed and replaced whenever conn has ended
	wg     sync.WaitGroup

	countMu   sync.Mutex
	direction int   // of the last byte: 1 to the board, 2 to the host
	cutAt     int64 // bytes from the host until the power goes off; 0: never
	received  int64
	sent      int64
	turns     int
}

func newLink(b *Board, in, out *rand.Rand) (*link, error) {
	f := &b.opts.Faults
	l := &link{board: b, cutAt: f.CutAtByte, hungUp: make(chan struct{}),
		toBoard: &disturber{Disturbance: f.ToBoard, rand: in},
		toHost:  &disturber{Disturbance: f.ToHost, noise: f.Noise, rand: out}}
	if err := l.listen(); err != nil {
		return nil, err
	}
	if err := l.plug(); err != nil {
		l.stopListening()
		return nil, err
	}
	l.in = newPacer(f.Baud, f.Latency, b.receive)
	l.out = newPacer(f.Baud, f.Latency, l.deliver)
	l.wg.Go(l.ptyLoop)
	if l.listener != nil {
		l.wg.Go(l.acceptLoop)
	}
	return l, nil
}

// opened is what the board notices of a host that opens its port.
func (l *link) opened() {
	if l.board.opts.Faults.ResetOnOpen {
		l.board.end(reset{cause: causeHard, why: "opening the port reset the board"})
	}
}

// fromHost puts what the host sent, which connected at a plug, on the line.
func (l *link) fromHost(p []byte, plug int32) {
	if len(p) == 0 {
		return
	}
	l.inMu.Lock()
	defer l.inMu.Unlock()
	p, cut := l.countReceived(p)
	l.in.push(l.toBoard.pass(append([]byte(nil), p...)), plug, l.board.ctx.Done())
	if cut { // once the byte is there: one that came later would be heard by the board that starts next
		l.in.after(func() {
			l.board.setPower(false)
			l.board.end(reset{off: true, why: "the power was cut at a byte from the host"})
		}, l.board.ctx.Done())
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
	l.out.push(append([]byte(nil), p...), l.out.plug.Load(), stop)
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
	if pty := l.master(); pty != nil && pty.hasHost() {
		pty.Write(p)
	}
}

// plug makes the pseudo-terminal, under a new name, and the symlink to it.
func (l *link) plug() error {
	pty, err := openPTY()
	if err != nil {
		return err
	}
	if path := l.board.opts.Link; path != "" {
		if err := symlink(pty.terminal, path); err != nil {
			pty.retire()
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pty = pty
	return nil
}

// unplug takes the ports away, as a USB device that resets does; plug brings
// them back.
func (l *link) unplug() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil {
		l.conn.Close()
	}
	if l.pty != nil {
		l.pty.retire()
		l.pty = nil
	}
	l.in.unplug()
	l.out.unplug()
	if path := l.board.opts.Link; path != "" {
		os.Remove(path)
	}
}

// master is the pty while one is plugged in.
func (l *link) master() *ptyMaster {
	pty, _ := l.pluggedMaster()
	return pty
}

// pluggedMaster is the pty, and at which plug of the line from the host it is there.
func (l *link) pluggedMaster() (*ptyMaster, int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pty, l.in.plug.Load()
}

func (l *link) close() {
	l.stopListening()
	l.unplug()
	l.in.close()
	l.out.close()
	l.wg.Wait()
}

package simboard

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// handOver is how long a connection waits for the one before to be gone.
const handOver = 5 * time.Second

// listen opens the TCP port, if there is to be one: on loopback addresses only,
// since a REPL has no password.
func (l *link) listen() error {
	where := l.board.opts.Listen
	if where == "" {
		return nil
	}
	addr, err := net.ResolveTCPAddr("tcp", where)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", where, err)
	}
	if !addr.IP.IsLoopback() {
		return optionError("listen on %s: a board without a password is offered on loopback addresses only", where)
	}
	if l.listener, err = net.ListenTCP("tcp", addr); err != nil {
		return fmt.Errorf("listen on %s: %w", where, err)
	}
	l.addr = l.listener.Addr().String()
	return nil
}

func (l *link) stopListening() {
	if l.listener != nil {
		l.listener.Close()
	}
}

// acceptLoop takes one TCP connection at a time, as a serial port does.
func (l *link) acceptLoop() {
	for {
		c, err := l.listener.Accept()
		if err != nil {
			return
		}
		if !l.take(c) {
			c.Close()
			continue
		}
		l.wg.Go(func() { l.connLoop(c, notHTTP) })
	}
}

// take makes c the board's connection, unless it has one or is unplugged.
func (l *link) take(c net.Conn) bool {
	l.mu.Lock()
	taken := l.conn == nil && l.pty != nil
	if taken {
		l.conn = c
	}
	l.mu.Unlock()
	if taken {
		l.opened()
	}
	return taken
}

// dial connects a host in this process, through a pair of sockets that have no
// name. A connection that is about to end is waited for.
func (l *link) dial(ctx context.Context) (io.ReadWriteCloser, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("socket pair: %w", err)
	}
	var ends [2]net.Conn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "simulated board")
		defer f.Close()
		if ends[i], err = net.FileConn(f); err != nil {
			return nil, err
		}
	}
	if err := l.takeSoon(ctx, ends[1]); err != nil {
		ends[0].Close()
		ends[1].Close()
		return nil, err
	}
	l.wg.Go(func() { l.connLoop(ends[1], nil) })
	return ends[0], nil
}

func (l *link) takeSoon(ctx context.Context, c net.Conn) error {
	limit := time.NewTimer(handOver)
	defer limit.Stop()
	for {
		l.mu.Lock()
		hungUp, unplugged, busy := l.hungUp, l.pty == nil, l.conn != nil
		l.mu.Unlock()
		switch {
		case l.board.ctx.Err() != nil:
			return errors.New("the simulated board has ended")
		case unplugged:
			return errors.New("the simulated board is unplugged")
		case !busy && l.take(c):
			return nil
		}
		select {
		case <-hungUp:
		case <-limit.C:
			return &BusyError{"the simulated board has another host"}
		case <-l.board.ctx.Done():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// connLoop carries what a connection sends, unless admit, asked about its first
// bytes until it is sure, does not let it in.
func (l *link) connLoop(c net.Conn, admit func(first []byte) (in, sure bool)) {
	defer l.hangUp(c)
	plug := l.in.plug.Load() // if it was another when c was taken, c is closed
	buf, first := make([]byte, 4096), []byte(nil)
	for {
		n, err := c.Read(buf)
		got := buf[:n]
		if admit != nil && n > 0 {
			first = append(first, got...)
			in, sure := admit(first)
			if sure && !in {
				return
			}
			if got = nil; sure {
				got, admit = first, nil
			}
		}
		l.fromHost(got, plug)
		if err != nil {
			return
		}
	}
}

// hangUp ends a connection; whoever sees its end can open the next one.
func (l *link) hangUp(c net.Conn) {
	defer c.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn == c {
		l.conn = nil
		close(l.hungUp)
		l.hungUp = make(chan struct{})
	}
}

// methods are how requests of web browsers begin, which can reach any loopback
// port, on behalf of any page.
var methods = strings.Fields("GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PRI")

// notHTTP turns such requests away. It is sure as soon as no method begins with
// what came.
func notHTTP(first []byte) (in, sure bool) {
	for _, m := range methods {
		begin := []byte(m + " ")
		if bytes.HasPrefix(first, begin) {
			return false, true
		}
		if bytes.HasPrefix(begin, first) {
			return false, false
		}
	}
	return true, true
}

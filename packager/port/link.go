package port

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A Link is a byte stream to a board with time limits and a cancellable
// context on every operation, whatever the transport below can do. It belongs
// to one goroutine at a time; only Close may be called from another.
type Link struct {
	name string
	rwc  io.ReadWriteCloser
	in   chan []byte   // what the reading goroutine received
	gone chan struct{} // closed when the reading goroutine ends
	rerr error         // why it ended; read it only after gone is closed
	rest []byte        // received but not consumed

	writing chan error // how the write that is on its way ends; nil: there is none

	close  sync.Once
	closed atomic.Bool
	cerr   error

	sent, received atomic.Int64
}

// New wraps a connection; name is how messages call it. The link owns rwc.
func New(name string, rwc io.ReadWriteCloser) *Link {
	l := &Link{name: name, rwc: rwc, in: make(chan []byte, 64), gone: make(chan struct{})}
	go l.read()
	return l
}

func (l *Link) read() {
	defer close(l.gone)
	for {
		buf := make([]byte, 4096)
		n, err := l.rwc.Read(buf)
		if n > 0 {
			l.received.Add(int64(n))
			l.in <- buf[:n]
		}
		if err == nil && n == 0 {
			err = io.EOF // what a serial driver returns when the device is gone
		}
		if err != nil {
			l.rerr = err
			return
		}
	}
}

// Name returns what messages call the other side.
func (l *Link) Name() string { return l.name }

// Traffic returns how many bytes were sent and received so far.
func (l *Link) Traffic() (sent, received int64) { return l.sent.Load(), l.received.Load() }

// Close ends the connection. It may be called more than once.
func (l *Link) Close() error {
	l.close.Do(func() {
		l.closed.Store(true)
		l.cerr = l.rwc.Close()
		go func() { // let the reading goroutine see the end
			for {
				select {
				case <-l.in:
				case <-l.gone:
					return
				}
			}
		}()
	})
	return l.cerr
}

// writePiece is how many bytes are handed to the connection at once, and
// writeLimit how long it may take them: 8 KiB at 9600 baud take 9 s.
const (
	writePiece = 8 << 10
	writeLimit = 30 * time.Second
)

// Write sends p. A connection that takes nothing for 30 s is closed: nothing
// else ends a blocked write on every transport.
func (l *Link) Write(ctx context.Context, p []byte) error {
	for piece := range slices.Chunk(p, writePiece) {
		if err := l.write(ctx, piece, writeLimit); err != nil {
			return err
		}
	}
	return nil
}

func (l *Link) write(ctx context.Context, p []byte, limit time.Duration) error {
	err := l.offer(ctx, p, limit)
	switch {
	case err == nil || l.writing == nil: // done, or failed
	case ctx.Err() != nil:
		// Give a write in progress a moment, so that the link stays usable
		// for the farewell to the board.
		select {
		case <-l.writing:
			l.writing = nil
		case <-time.After(time.Second):
			l.Close()
		}
	default:
		l.Close()
	}
	return err
}

// Offer is Write of a few bytes for a board that perhaps takes nothing. Then it
// returns ErrTimeout after limit, and the link is as good as before: what was on
// its way stays there until the board takes it, and no more is added.
func (l *Link) Offer(ctx context.Context, p []byte, limit time.Duration) error {
	return l.offer(ctx, p, limit)
}

// offer sends p. If it ends before that is done, l.writing is the rest of it.
func (l *Link) offer(ctx context.Context, p []byte, limit time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if l.closed.Load() {
		return Failed("sending to "+l.name, ErrLost)
	}
	late := time.NewTimer(limit)
	defer late.Stop()
	for begun := false; ; {
		if l.writing == nil { // else something offered earlier is still on its way
			begun = true
			done := make(chan error, 1)
			go func() { done <- l.writeAll(p) }()
			l.writing = done
		}
		select {
		case err := <-l.writing:
			l.writing = nil
			if err != nil {
				return Failed("sending to "+l.name, fmt.Errorf("%w: %w", ErrLost, err))
			}
			if begun {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-late.C:
			return Failed("sending to "+l.name, ErrTimeout)
		}
	}
}

// writeAll hands p over. A serial device may take a part of it, or nothing when
// a signal arrives, without an error.
func (l *Link) writeAll(p []byte) error {
	for len(p) > 0 {
		n, err := l.rwc.Write(p)
		l.sent.Add(int64(n))
		p = p[n:]
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return io.ErrShortWrite
		}
	}
	return nil
}

// more waits until at least one byte is in l.rest that was not there before.
func (l *Link) more(ctx context.Context, limit time.Duration) error {
	select {
	case b := <-l.in:
		l.rest = append(l.rest, b...)
		return nil
	default:
	}
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case b := <-l.in:
		l.rest = append(l.rest, b...)
		return nil
	case <-l.gone:
		select { // what arrived before the end still counts
		case b := <-l.in:
			l.rest = append(l.rest, b...)
			return nil
		default:
		}
		if errors.Is(l.rerr, io.EOF) {
			return ErrLost
		}
		return fmt.Errorf("%w: %w", ErrLost, l.rerr)
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return ErrTimeout
	}
}

// Scan hands everything received and not yet consumed to match, again after
// each arrival, until match is done. What match consumed is dropped each time,
// done or not. It returns ErrTimeout after limit, however much arrives meanwhile,
// or why the link ended.
func (l *Link) Scan(ctx context.Context, limit time.Duration, match func(b []byte) (consumed int, done bool)) error {
	return l.ScanStall(ctx, limit, limit, match)
}

// ScanStall is Scan that also ends when bytes that match left alone are followed by
// no others for so long as stall.
func (l *Link) ScanStall(ctx context.Context, limit, stall time.Duration, match func(b []byte) (consumed int, done bool)) error {
	end := time.Now().Add(limit)
	for first := true; ; first = false {
		if len(l.rest) > 0 {
			n, done := match(l.rest)
			l.rest = l.rest[n:]
			if done {
				return nil
			}
		}
		wait := time.Until(end)
		if wait <= 0 && !first {
			return ErrTimeout
		}
		if len(l.rest) > 0 {
			wait = min(wait, stall)
		}
		if err := l.more(ctx, wait); err != nil {
			return err
		}
	}
}

// maxKept bounds how much unmatched input a wait keeps, so that a board that
// prints for ever does not fill memory.
const maxKept = 1 << 20

// WaitFor returns everything up to and including the first of tokens.
func (l *Link) WaitFor(ctx context.Context, limit time.Duration, tokens ...string) ([]byte, error) {
	var out []byte
	err := l.Scan(ctx, limit, func(b []byte) (int, bool) {
		at := -1
		for _, token := range tokens {
			if i := bytes.Index(b, []byte(token)); i >= 0 && (at < 0 || i+len(token) < at) {
				at = i + len(token)
			}
		}
		if at >= 0 {
			out = bytes.Clone(b[:at])
			return at, true
		}
		if len(b) > maxKept {
			return len(b) - maxKept/2, false
		}
		return 0, false
	})
	return out, err
}

// ReadFull fills p.
func (l *Link) ReadFull(ctx context.Context, limit time.Duration, p []byte) error {
	return l.Scan(ctx, limit, func(b []byte) (int, bool) {
		if len(b) < len(p) {
			return 0, false
		}
		copy(p, b)
		return len(p), true
	})
}

// Drain drops what arrives until the board has been silent for quiet, but
// for no longer than limit. It returns what it dropped, up to a bound.
func (l *Link) Drain(ctx context.Context, quiet, limit time.Duration) ([]byte, error) {
	dropped := l.rest
	l.rest = nil
	end := time.Now().Add(limit)
	for time.Now().Before(end) {
		err := l.more(ctx, quiet)
		if errors.Is(err, ErrTimeout) {
			return dropped, nil
		}
		if err != nil {
			return dropped, err
		}
		if dropped = append(dropped, l.rest...); len(dropped) > maxKept {
			dropped = dropped[len(dropped)-maxKept/2:]
		}
		l.rest = nil
	}
	return dropped, nil
}

// Pending tells whether something was received that nobody has consumed yet.
func (l *Link) Pending() bool { return len(l.rest) > 0 || len(l.in) > 0 }

// Skip drops the next received byte; false means that there is none at hand.
func (l *Link) Skip() bool {
	if len(l.rest) == 0 {
		return false
	}
	l.rest = l.rest[1:]
	return true
}

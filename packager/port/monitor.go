package port

import (
	"context"
	"errors"
	"io"
	"time"
)

// A Monitor shows what a board prints, across its resets.
type Monitor struct {
	opener *Opener
	usb    Device
	lock   *Lock
	link   *Link // nil: gone
}

// Watch locks and opens a port to see what the board there prints. Nothing is
// sent to it.
func Watch(ctx context.Context, o *Opener, name string) (*Monitor, error) {
	lock, err := Acquire(name)
	if err != nil {
		return nil, err
	}
	m := &Monitor{opener: o, usb: Find(name), lock: lock}
	if m.link, err = o.Open(ctx, name); err != nil {
		lock.Release()
		return nil, err
	}
	return m, nil
}

// Take goes on with a link that is open and locked already, without missing a
// byte of it. It takes both over.
func Take(o *Opener, usb Device, lock *Lock, link *Link) *Monitor {
	return &Monitor{opener: o, usb: usb, lock: lock, link: link}
}

// Close ends the connection and frees the port.
func (m *Monitor) Close() {
	if m.link != nil {
		m.link.Close()
	}
	m.lock.Release()
}

// Copy writes what the board prints to w until ctx ends, which is no error. A
// board that goes away is waited for, and told of.
func (m *Monitor) Copy(ctx context.Context, w io.Writer, tell func(message string)) error {
	for {
		b, err := m.link.Next(ctx)
		if len(b) > 0 {
			if _, err := w.Write(b); err != nil {
				return err
			}
			continue
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			continue
		}
		if err := m.again(ctx, err, tell); err != nil {
			return err
		}
		if m.link == nil {
			return nil
		}
	}
}

// again opens the port anew after it was lost; without a link, ctx has ended.
func (m *Monitor) again(ctx context.Context, lost error, tell func(message string)) error {
	m.link.Close()
	m.link = nil
	if kind, _ := scheme(m.usb.given); kind == execScheme {
		return Failed("showing what "+m.usb.given+" prints", lost)
	}
	tell("the connection ended; waiting for the board to come back")
	for {
		link, err := m.usb.Open(ctx, m.opener)
		var e *Error
		switch {
		case err == nil:
			m.link = link
			tell("it is back")
			return nil
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &e) && e.Code == CodeName:
			return err
		}
		if sleep(ctx, lookEvery) != nil {
			return nil
		}
	}
}

// Next returns what arrives next, however little.
func (l *Link) Next(ctx context.Context) ([]byte, error) {
	for len(l.rest) == 0 {
		if err := l.more(ctx, time.Hour); err != nil && !errors.Is(err, ErrTimeout) {
			return nil, err
		}
	}
	b := l.rest
	l.rest = nil
	return b, nil
}

package device

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"rules_romfs/packager/port"
	"rules_romfs/packager/repl"
)

// A Board is a connected board at its raw REPL.
type Board struct {
	Port     string
	Info     *Info
	Segments []Segment // none: the firmware has no ROM partition

	opener  *port.Opener
	lock    *port.Lock
	usb     port.Device
	link    *port.Link
	repl    *repl.REPL
	program caller // runs; nil at the prompt

	sent, received, retries int64 // on earlier links of this board
}

// goneLimit bounds the wait for a port that closes as soon as it is opened.
const goneLimit = 5 * time.Second

// Connect locks and opens a port, brings the board to its raw REPL and asks
// what it is. reset restarts the interpreter first, so that nothing runs or
// holds references into the ROM, except what boot.py starts.
func Connect(ctx context.Context, o *port.Opener, name string, reset bool) (*Board, error) {
	lock, err := port.Acquire(name)
	if err != nil {
		return nil, err
	}
	go shortNames() // it takes some milliseconds, in which the board has to be waited for anyway
	b := &Board{Port: name, opener: o, lock: lock, usb: port.Find(name)}
	if err := b.connect(ctx, reset); err != nil {
		b.Close(false)
		return nil, err
	}
	return b, nil
}

func (b *Board) connect(ctx context.Context, reset bool) error {
	link, err := b.opener.Open(ctx, b.Port)
	if err != nil {
		return err
	}
	b.link, b.repl, b.program = link, &repl.REPL{Link: link, Farewell: farewell}, nil
	if err := b.rouse(ctx, repl.ConnectLimit); errors.Is(err, port.ErrLost) {
		// Opening the port reset the board and took USB along, or whoever had
		// the port before has not quite left it.
		if err := b.reconnect(ctx, goneLimit); err != nil {
			if ctx.Err() != nil {
				return err
			}
			if !strings.HasPrefix(b.Port, "exec:") {
				err = fmt.Errorf("%w; is another program using it?", err)
			}
			return &port.Error{Port: b.Port, Err: err}
		}
	} else if err != nil {
		return err
	}
	if reset {
		err := b.repl.SoftReset(ctx, repl.ConnectLimit)
		if errors.Is(err, port.ErrLost) {
			return b.Reconnect(ctx) // the reset took USB along
		}
		if err != nil {
			return err
		}
	}
	return b.ask(ctx)
}

func (b *Board) ask(ctx context.Context) error {
	info, err := identify(ctx, b.repl)
	if err != nil {
		return err
	}
	var segments []Segment
	if info.Has.ROMFS {
		if segments, err = listSegments(ctx, b.repl); err != nil {
			return err
		}
	}
	if err := b.recognise(info, segments); err != nil {
		return err
	}
	b.Info, b.Segments = info, segments
	return nil
}

// Passing tells errors after which a Reconnect and trying again may help.
func Passing(err error) bool {
	return errors.Is(err, port.ErrTimeout) || errors.Is(err, ErrSilent) || errors.Is(err, repl.ErrReset) || errors.Is(err, ErrEnded) || errors.Is(err, port.ErrLost)
}

// Reconnect opens the port again after the link was lost, the board restarted
// or its program ended, and leaves the board at a raw REPL that nothing else
// uses. A board that comes back under another name is found by its USB serial
// number. Another board than before is a *port.Error.
func (b *Board) Reconnect(ctx context.Context) error {
	if err := b.reconnect(ctx, repl.ConnectLimit); err != nil {
		return err
	}
	return b.ask(ctx)
}

func (b *Board) reconnect(ctx context.Context, limit time.Duration) error {
	b.drop()
	end := time.Now().Add(limit)
	for {
		link, err := b.usb.Open(ctx, b.opener)
		if err == nil {
			b.Port = link.Name()
			b.link, b.repl = link, &repl.REPL{Link: link, Farewell: farewell}
			if err = b.rouse(ctx, time.Until(end)); err == nil {
				return nil
			}
			b.drop()
		}
		if ctx.Err() != nil || time.Now().After(end) || strings.HasPrefix(b.Port, "exec:") {
			return fmt.Errorf("the board did not come back: %w", err)
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// drop closes the link and keeps its counts.
func (b *Board) drop() {
	if b.link == nil {
		return
	}
	b.keepRetries()
	sent, received := b.link.Traffic()
	b.sent, b.received = b.sent+sent, b.received+received
	b.link.Close()
	b.link, b.repl, b.program = nil, nil, nil
}

func (b *Board) keepRetries() {
	if s, ok := b.program.(*session); ok {
		b.retries += int64(s.Retries)
	}
}

// Traffic returns the bytes sent to and received from the board, and how many
// frames had to be sent again.
func (b *Board) Traffic() (sent, received, retries int64) {
	sent, received, retries = b.sent, b.received, b.retries
	if b.link != nil {
		s, r := b.link.Traffic()
		sent, received = sent+s, received+r
	}
	if s, ok := b.program.(*session); ok {
		retries += int64(s.Retries)
	}
	return sent, received, retries
}

// littleHeap is how large the largest free block is, in bytes, of a board that has
// to be frugal: a restart before the program is sent, and small pieces of it.
const littleHeap = 32 << 10

// OpenROM makes a partition ready to be read and written. The board must be at
// its prompt: after Connect, Reconnect or Stop. buffer is how many bytes of RAM on the
// board hold what is written next; a block device needs a whole block.
func (b *Board) OpenROM(ctx context.Context, seg Segment, buffer int) (*ROM, error) {
	buffer = max(buffer, blockBuffer(seg))
	little := b.Info.Largest < littleHeap
	b.repl.Small = b.repl.Small || little
	var rom *ROM
	err := b.repl.Retry(ctx, func() (err error) {
		if little {
			if err := b.tidy(ctx, buffer); err != nil {
				return err
			}
		}
		if err := b.start(ctx, buffer); err != nil {
			return err
		}
		rom, err = openROM(ctx, b.program, b.Info, seg, buffer)
		return err
	})
	return rom, err
}

// tidy restarts a board with little memory, as names and programs of the questions lie about
// all over its heap, and makes the buffer while that is whole.
func (b *Board) tidy(ctx context.Context, buffer int) error {
	if err := b.SoftReset(ctx); err != nil || buffer == 0 {
		return err
	}
	_, err := b.repl.Run(ctx, program(choices{"buffer_size": buffer}, "buffer"), repl.AnswerLimit)
	return err
}

// start sends the program that the firmware can run.
func (b *Board) start(ctx context.Context, buffer int) error {
	b.program = nil
	b.repl.Raw = false // until a program runs that can be told to stop
	if b.Info.Has.Poll && b.Info.Has.StdinBuffer {
		s, err := startSession(ctx, b.repl, b.Info, buffer)
		if err == nil {
			b.program = s
		}
		return err
	}
	p, err := startPlain(ctx, b.repl, b.Info, buffer)
	if err == nil {
		b.program = p
	}
	return err
}

// quitLimit bounds how long the program on the board may take to end. It answers at once,
// unless it waits for a frame that was never sent whole.
const quitLimit = 3 * time.Second

// Stop ends the program of OpenROM, back to the raw REPL.
func (b *Board) Stop(ctx context.Context) error {
	s, ok := b.program.(*session)
	b.forget()
	if !ok || !s.runs {
		return nil
	}
	err := s.quit(ctx, quitLimit)
	b.repl.Raw = err == nil
	return err
}

// forget counts the retries of a program that ends.
func (b *Board) forget() {
	b.keepRetries()
	b.program = nil
}

// enter brings the board to its raw REPL from whatever it is doing. The program is told to
// end: some firmware takes no Ctrl-C while one runs.
func (b *Board) enter(ctx context.Context, limit time.Duration) error {
	if b.program != nil && b.Stop(ctx) == nil && b.repl.Raw {
		return nil
	}
	b.forget()
	return b.repl.Enter(ctx, limit)
}

// SoftReset restarts the interpreter and stays at the raw REPL. If that took USB
// along, the board is asked again what it is.
func (b *Board) SoftReset(ctx context.Context) error {
	if !b.repl.Raw || b.program != nil {
		if err := b.enter(ctx, repl.ConnectLimit); err != nil {
			return err
		}
	}
	err := b.repl.SoftReset(ctx, repl.ConnectLimit)
	if errors.Is(err, port.ErrLost) {
		return b.Reconnect(ctx)
	}
	return err
}

// Close leaves the friendly REPL, with a soft reset if run says so, and
// releases the port, whatever state things are in. It takes a few seconds at
// most and has its own time limits: it is what a cancelled deploy ends with.
func (b *Board) Close(run bool) error {
	defer b.lock.Release()
	defer b.drop()
	return b.leave(run)
}

// HandOver is Close, but for the link, over which the monitor shows what the board
// prints from here on: nil if it is lost.
func (b *Board) HandOver(run bool) (*port.Monitor, error) {
	err := b.leave(run)
	if b.link == nil {
		b.lock.Release()
		return nil, err
	}
	b.keepRetries()
	m := port.Take(b.opener, b.usb, b.lock, b.link)
	b.link, b.repl, b.program, b.lock = nil, nil, nil, nil
	return m, err
}

// leave brings the board to its friendly REPL.
func (b *Board) leave(run bool) error {
	if b.link == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if b.program != nil || !b.repl.Raw {
		// It may be in the middle of anything.
		if err := b.enter(ctx, 5*time.Second); err != nil {
			return err
		}
	}
	return b.repl.Leave(ctx, run)
}

package port

import (
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"go.bug.st/serial"
)

type nopCloser struct{}

func (nopCloser) Close() error { return nil }

// A device is an open serial device. The library below knows it by the number of
// its descriptor, which the system gives to the next file that is opened: nothing
// may still use it when it is closed, or the bytes reach somebody else's board.
type device struct {
	port serial.Port
	lock io.Closer

	mu     sync.Mutex
	closed bool
	users  sync.WaitGroup // of the descriptor
}

// use calls f with the descriptor, unless the device is closed.
func (d *device) use(f func() error) error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return os.ErrClosed
	}
	d.users.Add(1)
	d.mu.Unlock()
	defer d.users.Done()
	return f()
}

// readTurn is how long the reader stays with the descriptor when nothing comes:
// closing waits for the end of its turn. The library would wake the reader, too,
// but closes the descriptor before it does; one that has just been told that
// there is something to read would then read the file that got the number.
const readTurn = 10 * time.Millisecond

func (d *device) Read(b []byte) (n int, err error) {
	for n == 0 && err == nil {
		err = d.use(func() error {
			n, err = d.port.Read(b)
			return err
		})
	}
	return n, err
}

func (d *device) Write(b []byte) (n int, err error) {
	err = d.use(func() error {
		n, err = d.port.Write(b)
		return err
	})
	return n, err
}

func (d *device) SetDTR(on bool) error { return d.use(func() error { return d.port.SetDTR(on) }) }
func (d *device) SetRTS(on bool) error { return d.use(func() error { return d.port.SetRTS(on) }) }

// openSerial opens a serial device for ourselves alone.
func openSerial(name string, baud int) (io.ReadWriteCloser, error) {
	lock, err := lockTTY(name)
	if err != nil {
		return nil, busy(name, err)
	}
	mode := &serial.Mode{BaudRate: baud}
	careful := runtime.GOOS == "windows" && isCP210x(name)
	if careful {
		mode.InitialStatusBits = &serial.ModemOutputBits{}
	}
	p, err := serial.Open(name, mode)
	if err != nil {
		lock.Close()
		return nil, serialError(name, err)
	}
	if err := p.SetReadTimeout(readTurn); err != nil {
		return nil, serialError(name, errors.Join(err, p.Close(), lock.Close()))
	}
	if careful {
		raise(p)
	}
	return &device{port: p, lock: lock}, nil
}

// isCP210x tells the bridges of Silicon Labs by their vendor. On Windows their
// driver, opened for the first time, asserts DTR and RTS one after the other,
// which resets an ESP32 into its bootloader.
func isCP210x(name string) bool {
	list, err := List()
	if err != nil {
		return false
	}
	for _, p := range list {
		if Same(p.Name, name) {
			return strings.HasPrefix(p.USB, "10c4:")
		}
	}
	return false
}

// lines are the outputs of a serial port besides its data.
type lines interface {
	SetDTR(on bool) error
	SetRTS(on bool) error
}

// raise asserts both lines in the order that no auto-reset circuit takes for a
// reset: RTS alone is one.
func raise(l lines) {
	l.SetDTR(true)
	l.SetRTS(true)
}

// lower is the way back.
func lower(l lines) {
	l.SetRTS(false)
	l.SetDTR(false)
}

// drainLimit bounds how long closing waits for output that the other side does
// not take: Linux would wait for half a minute. discardLimit bounds how long it
// waits for those who use the device to notice that it was discarded.
const (
	drainLimit   = time.Second
	discardLimit = time.Second
)

// Close gives what is unsent a moment, and discards it then; and it lowers the
// lines, whose order the system does not keep.
func (d *device) Close() error {
	idle := make(chan struct{})
	go func() {
		d.use(d.port.Drain)
		d.mu.Lock()
		d.closed = true
		d.mu.Unlock()
		d.users.Wait()
		close(idle)
	}()
	if !d.waits(idle, drainLimit) {
		d.mu.Lock()
		d.closed = true
		d.mu.Unlock()
		for begin := time.Now(); time.Since(begin) < discardLimit; {
			d.port.ResetOutputBuffer()
			if d.waits(idle, 10*time.Millisecond) {
				return d.release()
			}
		}
		// Whoever uses it is held by the driver, and cannot be helped.
		go func() {
			<-idle
			d.release()
		}()
		return nil
	}
	return d.release()
}

func (d *device) waits(idle <-chan struct{}, limit time.Duration) bool {
	select {
	case <-idle:
		return true
	case <-time.After(limit):
		return false
	}
}

// release closes a device that nobody uses.
func (d *device) release() error {
	lower(d.port)
	return errors.Join(d.port.Close(), d.lock.Close())
}

// serialError says what to do about a port that does not open.
func serialError(name string, err error) error {
	e := &Error{Port: name, Err: err}
	var pe *serial.PortError
	switch {
	case errors.Is(err, os.ErrNotExist):
		e.Code = CodeAbsent
	case !errors.As(err, &pe):
		return e
	case pe.Code() == serial.PortBusy:
		e.Code = CodeBusy
	case pe.Code() == serial.PermissionDenied:
		e.Code = CodeDenied
	case pe.Code() == serial.PortNotFound:
		e.Code = CodeAbsent
	case pe.Code() == serial.InvalidSerialPort:
		e.Code = CodeName
	}
	switch e.Code {
	case CodeBusy:
		e.Err, e.Hint = errors.New("busy: another program has it open"), "end that program"
	case CodeDenied:
		e.Err, e.Hint = errors.New("no permission"), deniedHint(name)
	case CodeAbsent:
		e.Err, e.Hint = errors.New("there is no such port"), "`romfs ports` lists them; --wait waits until it is plugged in"
	case CodeName:
		e.Hint = "it is no serial port; `romfs ports` lists them"
	}
	return e
}

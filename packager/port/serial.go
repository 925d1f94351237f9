package port

import (
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"go.bug.st/serial"
)

type nopCloser struct{}

func (nopCloser) Close() error { return nil }

// A device is an open serial device.
type device struct {
	serial.Port
	lock io.Closer
}

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
	if careful {
		raise(p)
	}
	return &device{p, lock}, nil
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
// not take. Linux would wait for half a minute.
const drainLimit = time.Second

// Close lowers the lines, whose order the system does not keep, gives what is
// unsent a moment, and discards it then.
func (d *device) Close() error {
	drained := make(chan struct{})
	go func() {
		d.Drain()
		close(drained)
	}()
	select {
	case <-drained:
	case <-time.After(drainLimit):
		d.ResetOutputBuffer()
	}
	lower(d)
	err := d.Port.Close()
	if lerr := d.lock.Close(); err == nil {
		err = lerr
	}
	return err
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

// Package device connects to a MicroPython board and speaks with it: ports
// and how they are found and locked, byte transports (serial, pty, TCP,
// RFC 2217, a process), the raw REPL, a small framed protocol above it, and
// the board's ROM partitions (vfs.rom_ioctl).
//
// It moves bytes and checks every answer; what to write where is package
// deploy's business.
package device

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"
)

// An Opener opens ports. Its zero value is ready to use.
type Opener struct {
	// Baud is the speed of serial lines; 0 means 115200. USB ignores it.
	Baud int

	// Sim starts a simulated board for a port "sim:ARG". Nil: sim: is an error.
	Sim func(ctx context.Context, arg string) (io.ReadWriteCloser, error)
}

// DefaultBaud is the speed that MicroPython's UART REPLs use.
const DefaultBaud = 115200

// dialLimit bounds connecting to a network port.
const dialLimit = 10 * time.Second

// A PortError says that a port cannot be used: there is none, there are
// several, it cannot be opened, or another program has it.
type PortError struct {
	Port string // empty when none was chosen
	Err  error
}

func (e *PortError) Error() string {
	if e.Port == "" {
		return e.Err.Error()
	}
	return "port " + e.Port + ": " + e.Err.Error()
}

func (e *PortError) Unwrap() error { return e.Err }

// Open opens a port by its name: a serial device (/dev/…, COM…),
// socket://host:port, rfc2217://host:port, exec:COMMAND (its stdin and
// stdout) or sim:ARG. Errors are *PortError.
func (o *Opener) Open(ctx context.Context, port string) (*Link, error) {
	rwc, err := o.open(ctx, port)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var pe *PortError
		if errors.As(err, &pe) {
			return nil, err
		}
		return nil, &PortError{port, err}
	}
	return NewLink(port, rwc), nil
}

func (o *Opener) open(ctx context.Context, port string) (io.ReadWriteCloser, error) {
	baud := o.Baud
	if baud == 0 {
		baud = DefaultBaud
	}
	scheme, arg, found := strings.Cut(port, ":")
	switch {
	case port == "":
		return nil, errors.New("the port has no name")
	case found && scheme == "sim":
		if o.Sim == nil {
			return nil, errors.New("simulated boards are not available here")
		}
		return o.Sim(ctx, arg)
	case found && scheme == "exec":
		return openProcess(arg)
	case strings.HasPrefix(port, "socket://"):
		return dial(ctx, port)
	case strings.HasPrefix(port, "rfc2217://"):
		conn, err := dial(ctx, port)
		if err != nil {
			return nil, err
		}
		return openRFC2217(ctx, conn, baud)
	case strings.Contains(port, "://"):
		return nil, fmt.Errorf("%s:// is no kind of port; a port is a serial device, socket://, rfc2217://, exec: or a sim: board", scheme)
	}
	return openSerial(port, baud)
}

// hostPort returns the address in a URL like socket://host:port.
func hostPort(port string) (string, error) {
	u, err := url.Parse(port)
	if err != nil || u.Hostname() == "" || u.Port() == "" {
		return "", errors.New("write it as " + strings.SplitN(port, "://", 2)[0] + "://HOST:PORT")
	}
	return u.Host, nil
}

func dial(ctx context.Context, port string) (net.Conn, error) {
	addr, err := hostPort(port)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: dialLimit}
	return d.DialContext(ctx, "tcp", addr) // Go sets TCP_NODELAY
}

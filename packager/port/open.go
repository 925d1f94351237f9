// Package port finds, names, locks and opens the ports that boards hang on:
// serial devices, plain TCP, RFC 2217, the stdin and stdout of a process, and
// simulated boards. What it opens is a Link: a byte stream with time limits.
//
// It knows nothing of what a board says; that is package repl's business.
package port

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

// A Error says that a port cannot be used: there is none, there are
// several, it cannot be opened, or another program has it.
type Error struct {
	Port string // empty when none was chosen
	Err  error
}

func (e *Error) Error() string {
	if e.Port == "" {
		return e.Err.Error()
	}
	return "port " + e.Port + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Open opens a port by its name: a serial device (/dev/…, COM…),
// socket://host:port, rfc2217://host:port, exec:COMMAND (its stdin and
// stdout) or sim:ARG. Errors are *Error.
func (o *Opener) Open(ctx context.Context, port string) (*Link, error) {
	rwc, err := o.open(ctx, port)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var pe *Error
		if errors.As(err, &pe) {
			return nil, err
		}
		return nil, &Error{port, err}
	}
	return New(port, rwc), nil
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

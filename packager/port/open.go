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

	// Reset says how boards that do not answer are restarted, and ResetOf how
	// those at certain ports are, both as ParseReset takes it.
	Reset   string
	ResetOf map[string]string

	// Warn is told in words what a user should know; nil: nobody is.
	Warn func(message string)

	// Sim starts a simulated board for a port "sim:ARG". Nil: sim: is an error.
	Sim func(ctx context.Context, arg string) (io.ReadWriteCloser, error)

	// Wrap is put around what was opened, to spoil it for a test; nil: nothing is.
	Wrap func(io.ReadWriteCloser) io.ReadWriteCloser
}

// Warnf tells the user something.
func (o *Opener) Warnf(format string, args ...any) {
	if o.Warn != nil {
		o.Warn(fmt.Sprintf(format, args...))
	}
}

// DefaultBaud is the speed that MicroPython's UART REPLs use.
const DefaultBaud = 115200

// dialLimit bounds connecting to a network port.
const dialLimit = 10 * time.Second

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
		return nil, &Error{Port: port, Err: err}
	}
	if o.Wrap != nil {
		rwc = o.Wrap(rwc)
	}
	return New(port, rwc), nil
}

func (o *Opener) open(ctx context.Context, port string) (io.ReadWriteCloser, error) {
	baud := o.Baud
	if baud == 0 {
		baud = DefaultBaud
	}
	kind, rest := scheme(port)
	switch kind {
	case simScheme:
		if o.Sim == nil {
			return nil, &Error{Port: port, Code: CodeName, Err: errors.New("simulated boards are not available here"), Hint: "name another port"}
		}
		return o.Sim(ctx, rest)
	case execScheme:
		return openProcess(rest)
	case socketScheme:
		return dial(ctx, port)
	case rfc2217Scheme:
		conn, err := dial(ctx, port)
		if err != nil {
			return nil, err
		}
		return openRFC2217(ctx, conn, baud)
	}
	if port == "" {
		return nil, &Error{Code: CodeName, Err: errors.New("the port has no name"), Hint: "leave --port out to have it found"}
	}
	if before, _, found := strings.Cut(port, "://"); found {
		return nil, &Error{Port: port, Code: CodeName, Err: errors.New(before + ":// is no kind of port"),
			Hint: "a port is a serial device, socket://, rfc2217://, exec: or a sim: board"}
	}
	return openSerial(port, baud)
}

// dial connects to the address of a URL like socket://host:port.
func dial(ctx context.Context, port string) (net.Conn, error) {
	u, err := url.Parse(port)
	if err != nil || u.Hostname() == "" || u.Port() == "" {
		before, _, _ := strings.Cut(port, "://")
		return nil, &Error{Port: port, Code: CodeName, Err: errors.New("it has no host and port"), Hint: "write it as " + before + "://HOST:PORT"}
	}
	d := net.Dialer{Timeout: dialLimit}
	conn, err := d.DialContext(ctx, "tcp", u.Host) // Go sets TCP_NODELAY
	if err != nil {
		return nil, &Error{Port: port, Code: CodeAbsent, Err: err, Hint: "is its server running there? --wait waits for it"}
	}
	return conn, nil
}

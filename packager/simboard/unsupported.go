//go:build !linux

package simboard

import (
	"context"
	"errors"
	"io"
)

// ErrUnsupported is what Start returns on systems other than Linux: the
// simulated board needs shared memory maps, signals and ptys as Linux has them.
var ErrUnsupported = errors.New("the simulated board runs on Linux only; take WSL, a container or a virtual machine, and reach it through its TCP port")

// A Board is a running simulated board; there is none on this system.
type Board struct{}

// Start returns ErrUnsupported.
func Start(context.Context, Options) (*Board, error) { return nil, ErrUnsupported }

// PTY would be the path of the pseudo-terminal.
func (*Board) PTY() string { return "" }

// Addr would be the TCP port.
func (*Board) Addr() string { return "" }

// Machine would be sys.implementation._machine.
func (*Board) Machine() string { return "" }

// FlashFile would be the path of the flash contents.
func (*Board) FlashFile() string { return "" }

// Dial returns ErrUnsupported.
func (*Board) Dial(context.Context) (io.ReadWriteCloser, error) { return nil, ErrUnsupported }

// Done is closed.
func (*Board) Done() <-chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}

// Stats is empty.
func (*Board) Stats() Stats { return Stats{} }

// Close does nothing.
func (*Board) Close() error { return nil }

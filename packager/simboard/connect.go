package simboard

import (
	"context"
	"errors"
	"io"
)

// An InterpreterError says that no usable MicroPython was found.
type InterpreterError struct {
	Name string
	Err  error
}

func (e *InterpreterError) Error() string {
	return "the simulated board needs a MicroPython interpreter with VfsRom, and " + e.Name + " is none: " + e.Err.Error() +
		"; install Debian's micropython (1.25 or later), or name one in ROMFS_MICROPYTHON"
}

func (e *InterpreterError) Unwrap() error { return e.Err }

// Connect starts a board and connects to it. Closing the connection ends the board.
func Connect(ctx context.Context, o Options) (io.ReadWriteCloser, error) {
	b, err := Start(ctx, o)
	if err != nil {
		return nil, err
	}
	conn, err := b.Dial(ctx)
	if err != nil {
		b.Close()
		return nil, err
	}
	return &connection{conn, b}, nil
}

// A connection owns its board.
type connection struct {
	io.ReadWriteCloser
	board *Board
}

func (c *connection) Close() error {
	return errors.Join(c.ReadWriteCloser.Close(), c.board.Close())
}

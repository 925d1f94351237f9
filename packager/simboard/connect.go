package simboard

import (
	"context"
	"errors"
	"io"
	"sync"
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

// A BusyError says that another host, or another board, uses something.
type BusyError struct{ What string }

func (e *BusyError) Error() string { return e.What }

// A Rack holds the simulated boards of one command, each by its specification.
// A board starts when its port is opened for the first time. Closing the port
// leaves it as it is: its flash, a power cut that is still to come, a watchdog
// that runs. Its zero value is empty.
type Rack struct {
	mu     sync.Mutex
	boards map[string]*Board
}

// Dial connects to the board that spec stands for; options says what board that
// is, when it is to be started.
func (r *Rack) Dial(ctx context.Context, spec string, options func() (Options, error)) (io.ReadWriteCloser, error) {
	b, err := r.board(ctx, spec, options)
	if err != nil {
		return nil, err
	}
	return b.Dial(ctx)
}

func (r *Rack) board(ctx context.Context, spec string, options func() (Options, error)) (*Board, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.boards[spec]; b != nil {
		return b, nil
	}
	o, err := options()
	if err != nil {
		return nil, err
	}
	// A command that is interrupted wants to leave its board in order first.
	b, err := Start(context.WithoutCancel(ctx), o)
	if err != nil {
		return nil, err
	}
	if r.boards == nil {
		r.boards = map[string]*Board{}
	}
	r.boards[spec] = b
	return b, nil
}

// Close ends the boards.
func (r *Rack) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, b := range r.boards {
		errs = append(errs, b.Close())
	}
	r.boards = nil
	return errors.Join(errs...)
}

package port

import (
	"errors"
	"strings"
)

// Codes of an Error: what kind of trouble it is, for programs.
const (
	CodeAbsent  = "port-absent"  // there is none
	CodeSeveral = "port-several" // there is more than one
	CodeBusy    = "port-busy"    // another program has it
	CodeDenied  = "port-denied"  // no permission
	CodeName    = "port-name"    // this is no name of a port
	CodeFailed  = "port-failed"  // anything else: it does not open, or goes away
)

// An Error says that a port cannot be used: there is none, there are several, it
// cannot be opened, or another program has it.
type Error struct {
	Port string // empty when none was chosen
	Code string // "": CodeFailed
	Err  error
	Hint string // what to do; may be empty
}

func (e *Error) Error() string {
	msg := e.Err.Error()
	if e.Port != "" {
		msg = "port " + strings.TrimSuffix(e.Port, ":") + ": " + msg // "sim:" ends with one already
	}
	return advised(msg, e.Hint)
}

func (e *Error) Unwrap() error { return e.Err }

// Advice returns the code of the error and what to do about it.
func (e *Error) Advice() (code, hint string) {
	if e.Code == "" {
		return CodeFailed, e.Hint
	}
	return e.Code, e.Hint
}

// A TransferError says that talking to the board failed: the link broke, the
// board did not answer in time, or answered with an error.
type TransferError struct {
	Op   string // what was being done, as "erasing block 3" or "rom_ioctl(3, 0, 4096)"
	Err  error
	Hint string // what to do; may be empty
}

func (e *TransferError) Error() string { return advised(e.Op+": "+e.Err.Error(), e.Hint) }
func (e *TransferError) Unwrap() error { return e.Err }

// Advice returns the code of the error and what to do about it.
func (e *TransferError) Advice() (code, hint string) {
	switch {
	case errors.Is(e.Err, ErrTimeout):
		return "link-silent", e.Hint
	case errors.Is(e.Err, ErrLost):
		return "link-lost", e.Hint
	}
	return "link-failed", e.Hint
}

func advised(msg, hint string) string {
	if hint == "" {
		return msg
	}
	return msg + "; " + hint
}

// Failed returns a TransferError.
func Failed(op string, err error) error { return &TransferError{Op: op, Err: err} }

// ErrTimeout is what a TransferError wraps when the board kept silent.
var ErrTimeout = errors.New("no answer in time")

// ErrLost is what a TransferError wraps when the connection ended: the board was
// unplugged, reset, or the other side hung up.
var ErrLost = errors.New("the connection ended")

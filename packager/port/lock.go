package port

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"syscall"
)

// A Lock keeps two deploys from using one port at a time. The system releases it
// however the process ends.
type Lock struct{ held io.Closer }

// errLocked is what a way to lock wraps when another process has the lock; its
// text says who.
var errLocked = errors.New("busy")

// Acquire locks a port by its device, however it was named. A port that is ours
// alone, as a process that we start, needs no lock: then it is nil. Errors are
// *Error.
//
// It holds for all users where the system has locks without files, else for
// this user; a serial device is locked for all once more when it is opened.
func Acquire(name string) (*Lock, error) {
	if kind, _ := scheme(name); kind == execScheme || kind == simScheme {
		return nil, nil
	}
	held, err := acquire(fmt.Sprintf("%.12x", sha256.Sum256([]byte(canonical(name)))))
	switch {
	case errors.Is(err, errLocked):
		return nil, busy(name, err)
	case err != nil:
		return nil, &Error{Port: name, Err: fmt.Errorf("it cannot be locked: %w", err)}
	}
	return &Lock{held}, nil
}

// busy is the error for a port that somebody else uses; err says who.
func busy(name string, err error) *Error {
	return &Error{Port: name, Code: CodeBusy, Err: err, Hint: "wait for it, or end it"}
}

// Release gives the port free. A nil Lock is none.
func (l *Lock) Release() {
	if l == nil {
		return
	}
	// A program that is being started at this moment would hold it a bit longer.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	l.held.Close()
}

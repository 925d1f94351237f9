package interpreter

import (
	"bytes"
	"context"
	"errors"
)

// maxOutput bounds what is kept of the output of a script: one that prints for ever
// would fill the memory of this machine before its time is over.
const maxOutput = 16 << 20

var errOutput = errors.New("it printed more than 16 MiB; does it print for ever?")

// An Output collects what a script prints, and ends it if that is too much.
type Output struct {
	b   bytes.Buffer // not embedded: its ReadFrom knows no bound
	end context.CancelCauseFunc
}

// NewOutput returns an output, and the context to run the script with: its cause says
// so if the output was too much. The caller has to call done.
func NewOutput(ctx context.Context) (limited context.Context, o *Output, done func()) {
	limited, end := context.WithCancelCause(ctx)
	return limited, &Output{end: end}, func() { end(nil) }
}

// Write never fails.
func (o *Output) Write(p []byte) (int, error) {
	if o.b.Len()+len(p) > maxOutput {
		o.end(errOutput)
		return len(p), nil
	}
	return o.b.Write(p)
}

// Bytes returns what was printed.
func (o *Output) Bytes() []byte { return o.b.Bytes() }

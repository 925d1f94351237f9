// Package testcontext has contexts for tests of what Ctrl-C interrupts.
package testcontext

import (
	"context"
	"testing"
)

// EndsAfter returns a context that is canceled once its Err was asked for so many times: work
// that asks at each of its steps is interrupted at every one of them by counting up.
func EndsAfter(t testing.TB, asked int) context.Context {
	return &endsAfter{t.Context(), asked}
}

type endsAfter struct {
	context.Context
	left int
}

func (c *endsAfter) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

package romfs

import (
	"io"
)

// A Severity tells how bad a problem is.
type Severity int

const (
	// Warning marks what works on a board, but not as the image's author can
	// have meant, or not with every tool.
	Warning Severity = iota
	// Error marks what breaks on a board, or what it silently gets wrong.
	Error
)

func (s Severity) String() string {
	if s == Error {
		return "error"
	}
	return "warning"
}

// A Problem is a defect of an image.
type Problem struct {
	Code     string // a stable identifier, such as "pointer-outside"
	Severity Severity
	Offset   int64  // of the defect, from the first byte of the image
	Path     string // of the entry it belongs to, "." for the image itself
	Message  string // what is wrong, what a board makes of it, and what to do
}

// Validate checks the image at the start of r, of which size bytes may be used.
func Validate(r io.ReaderAt, size int64) []Problem {
	m, err := Open(r, size)
	if err == nil {
		err = m.Walk(func(*Entry) error { return nil })
	}
	if err != nil {
		return []Problem{{Code: "damaged", Severity: Error, Path: ".", Message: err.Error()}}
	}
	return nil
}

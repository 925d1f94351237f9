package intoto

import (
	"errors"
	"fmt"

	"rules_romfs/internal/smallfile"
	"rules_romfs/internal/syserr"
)

// MaxSize bounds a statement in bytes, and an envelope around one: with the provenance of
// a hundred thousand sources it has less.
const MaxSize = 64 << 20

// A ReadError says that a file is no statement.
type ReadError struct {
	Path string
	Err  error
}

func (e *ReadError) Error() string { return fmt.Sprintf("%s: %v", e.Path, e.Err) }
func (e *ReadError) Unwrap() error { return e.Err }

// Read reads the statement in a file. Its errors are [*ReadError].
func Read(path string) (*Statement, error) {
	data, _, err := smallfile.Read(path, MaxSize)
	switch {
	case errors.Is(err, smallfile.ErrLarge):
		return nil, &ReadError{path, fmt.Errorf("it has more than %d MiB, so it is no statement about an image", MaxSize>>20)}
	case err != nil:
		return nil, &ReadError{path, syserr.Reason(err)}
	}
	s, err := Parse(data)
	if err != nil {
		return nil, &ReadError{path, err}
	}
	return s, nil
}

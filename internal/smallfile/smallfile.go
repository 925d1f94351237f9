// Package smallfile reads thousands of small regular files with as few system
// calls as there can be: open, fstat, read and close for each. An os.File costs
// as many again, for a poller that regular files do not need.
package smallfile

import "errors"

// Errors of [Read], inside an *os.PathError.
var (
	// ErrNotRegular: the path is that of a directory, FIFO or device. A FIFO is
	// not waited for.
	ErrNotRegular = errors.New("not a regular file")
	// ErrLarge: the file has more bytes than asked for.
	ErrLarge = errors.New("the file is too large")
)

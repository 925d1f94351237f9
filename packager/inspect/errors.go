package inspect

import "fmt"

// A ChoiceError says that what was asked for has to be said more exactly, or
// otherwise: which board, which directory.
type ChoiceError struct{ Reason string }

func (e *ChoiceError) Error() string { return e.Reason }

// An InputError says that something is not there, or is not what it has to be.
type InputError struct{ Err error }

func (e *InputError) Error() string { return e.Err.Error() }
func (e *InputError) Unwrap() error { return e.Err }

// An ImageError says that a file is no sound image, or one that cannot be used
// as it was wanted.
type ImageError struct {
	Image string // its name for people
	Err   error
}

func (e *ImageError) Error() string { return e.Image + ": " + e.Err.Error() }
func (e *ImageError) Unwrap() error { return e.Err }

// imageErrorf is the error for something in the image.
func (im *Image) imageErrorf(format string, args ...any) error {
	return &ImageError{im.Name, fmt.Errorf(format, args...)}
}

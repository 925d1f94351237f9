package transform

import (
	"errors"
	"fmt"
	"strings"

	"rules_romfs/internal/smallfile"
)

// A RunError says that a file could not be converted.
type RunError struct {
	Where
	Tool   string // as the manifest names it
	Reason error  // what happened
	Output string // the last lines that it printed; may be empty
}

func (e *RunError) Error() string {
	s := fmt.Sprintf("%s%s: %s: %v", e.at(), e.Source, e.Tool, e.Reason)
	if e.Output != "" {
		s += "; it printed:\n  " + strings.ReplaceAll(e.Output, "\n", "\n  ")
	}
	return s
}

func (e *RunError) Unwrap() error { return e.Reason }

// at is "romfs.yaml:5:7: files[0].transform: ", as errors of the manifest begin.
func (w *Where) at() string {
	s := ""
	if w.Line > 0 {
		s = fmt.Sprintf("%s:%d:%d: ", w.Manifest, w.Line, w.Column)
	}
	if w.Rule != "" {
		s += w.Rule + ".transform: "
	}
	return s
}

// A ReadError says that a source, or an input of its transform, cannot be read.
type ReadError struct {
	Where
	Input string // base name; empty: the source itself
	Err   error
}

func (e *ReadError) Error() string {
	name := e.Source
	if e.Input != "" {
		name += ": its input " + e.Input
	}
	if errors.Is(e.Err, smallfile.ErrLarge) {
		return fmt.Sprintf("%s%s: it has more than %d MiB, the most that a transform takes", e.at(), name, maxFile>>20)
	}
	return fmt.Sprintf("%s%s: cannot be read: %v", e.at(), name, bare(e.Err))
}

func (e *ReadError) Unwrap() error { return e.Err }

// A MissingError says that a tool is not there, or cannot be started.
type MissingError struct {
	Where            // of the first file that needs it
	Tool    string   // as the manifest names it
	Why     string   // "not found in PATH"
	Get     string   // how to get it; may be empty
	Sources []string // all files that need it
}

// maxNames is how many files an error names.
const maxNames = 8

func (e *MissingError) Error() string {
	names := e.Sources
	more := ""
	if len(names) > maxNames {
		more = fmt.Sprintf(" and %d more", len(names)-maxNames)
		names = names[:maxNames]
	}
	get := ""
	if e.Get != "" {
		get = e.Get + ", or "
	}
	return fmt.Sprintf("%sthere is no usable %s (%s), which is to convert %s%s; %spack the sources as they are with --skip-missing-transforms",
		e.at(), e.Tool, e.Why, strings.Join(names, ", "), more, get)
}

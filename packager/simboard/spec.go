package simboard

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"rules_romfs/packager/board"
	"rules_romfs/packager/simboard/drivers"
)

// A SpecError says that the description of a simulated board is not understood.
type SpecError struct {
	Spec string
	Err  error
}

func (e *SpecError) Error() string { return fmt.Sprintf("simulated board %q: %v", e.Spec, e.Err) }
func (e *SpecError) Unwrap() error { return e.Err }

// ParseSpec reads what stands behind "sim:" in a port's name:
//
//	[BOARD|FLASHFILE][?KEY=VALUE[&KEY=VALUE]...]
//
// The first part is a built-in board's id, the path of a board file (.yaml),
// or of a file for the flash contents. Keys are board, flash, size (of the
// partitions of a family of boards), driver (how its port writes them), file
// (NAME:PATH, a file of the board's file system), stub (a directory of modules
// that stand in for its hardware), fault (NAME or NAME=VALUE), or the name of a fault. Errors are
// *SpecError.
func ParseSpec(spec string) (Options, error) {
	o, err := parseSpec(spec)
	if err != nil {
		return Options{}, &SpecError{spec, err}
	}
	return o, nil
}

func parseSpec(spec string) (o Options, err error) {
	name, query, _ := strings.Cut(spec, "?")
	var id, size string
	switch ext := filepath.Ext(name); {
	case name == "":
	case slices.Contains(board.IDs(), name), ext == ".yaml", ext == ".yml":
		id = name
	case ext != "" || strings.ContainsAny(name, `/\`):
		o.Flash = name
	default:
		id = name // for the error, which suggests boards
	}
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		if pair, err = url.QueryUnescape(pair); err != nil {
			return o, err
		}
		key, value, _ := strings.Cut(pair, "=")
		switch key {
		case "board":
			id = value
		case "flash":
			o.Flash = value
		case "size":
			size = value
		case "driver":
			err = o.SetDriver(value)
		case "file":
			err = o.AddFile(value)
		case "stub":
			o.Stubs = append(o.Stubs, value)
		case "fault":
			err = o.SetFault(value)
		default:
			err = o.SetFault(pair)
		}
		if err != nil {
			return o, err
		}
	}
	return o, o.SetBoard(id, size)
}

// SetDriver lets the board's partitions be written as a port of MicroPython
// does, by the name that package drivers has for it. Errors are *drivers.NameError.
func (o *Options) SetDriver(name string) error {
	d, err := drivers.Lookup(name)
	if err != nil {
		return err
	}
	o.Driver = d.Name
	return nil
}

// SetBoard looks up a board by id or path; an empty one leaves the default
// board. A size ("256KiB"), where given, is that of all its partitions whose
// size the profile leaves open, or of the first if it leaves none open.
func (o *Options) SetBoard(idOrPath, size string) error {
	var bytes int64
	if size != "" {
		n, err := board.ParseSize(size)
		if err != nil {
			return err
		}
		bytes = n
	}
	if idOrPath == "" {
		if bytes > 0 {
			o.Partitions = []Partition{{Name: "romfs0", Driver: o.Driver, Size: bytes}}
		}
		return nil
	}
	p, err := board.Lookup(idOrPath)
	if err != nil {
		return err
	}
	if bytes > 0 {
		if p, err = withSize(p, bytes); err != nil {
			return err
		}
	}
	o.Board = p
	return nil
}

func withSize(p *board.Profile, size int64) (*board.Profile, error) {
	if p.NoROM != "" {
		return nil, &board.NoROMError{Board: p}
	}
	open := slices.ContainsFunc(p.Partitions, func(q board.Partition) bool { return q.Size == 0 })
	for i, q := range p.Partitions {
		if open && q.Size != 0 || !open && i > 0 {
			continue
		}
		var err error
		if p, err = p.WithSize(q.Name, size); err != nil {
			return nil, err
		}
	}
	return p, nil
}

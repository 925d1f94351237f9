package ram

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"rules_romfs/packager/inspect"
	"rules_romfs/packager/mpy"
	"rules_romfs/packager/romfs"
)

// find returns the modules of those names in image order, or all but the
// programs that firmware runs.
func find(ctx context.Context, im *inspect.Image, names []string) (modules []*Module, programs []string, err error) {
	programs = []string{}
	missing := map[string]bool{}
	for _, n := range names {
		missing[n] = true
	}
	err = im.Walk(func(e *romfs.Entry) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if e.Dir || e.Err != nil {
			return nil
		}
		m := newModule(e)
		switch {
		case m == nil, len(names) > 0 && !slices.Contains(names, m.Name):
			return nil
		case len(names) == 0 && (m.Name == "boot" || m.Name == "main"):
			programs = append(programs, m.Path)
			return nil
		}
		delete(missing, m.Name)
		if err := m.explain(im.Section(e)); err != nil {
			return fmt.Errorf("%s: %s: %w", im.Name, m.Path, err)
		}
		modules = append(modules, m)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	for _, n := range names {
		if missing[n] {
			return nil, nil, &inspect.InputError{Err: fmt.Errorf("%s has no module %q; without a name all are measured", im.Name, n)}
		}
	}
	return modules, programs, nil
}

// newModule returns the module that is in a file, or nil. Names are those by
// which it is found from /rom or /rom/lib, whichever is nearer.
func newModule(e *romfs.Entry) *Module {
	p := e.Path()
	ext := path.Ext(p)
	if ext != ".py" && ext != ".mpy" {
		return nil
	}
	name := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(p, ext), "lib/"), "/__init__")
	if name == "" || name == "__init__" || strings.Contains(name, ".") {
		return nil // no import statement says that
	}
	return &Module{Name: strings.ReplaceAll(name, "/", "."), Path: p, Kind: ext[1:], Size: e.Size}
}

// explain says what of the module stays in flash.
func (m *Module) explain(content io.Reader) error {
	const made = "objects that the module makes at import: functions, classes, values"
	if m.Kind == "py" {
		m.Flash = []string{}
		m.RAM = []string{"the bytecode and constants, compiled on the board", "the names", made}
		m.Why = "compiled on the board: nothing stays in flash"
		return nil
	}
	head := make([]byte, 16)
	n, err := io.ReadFull(content, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	}
	h, err := mpy.ParseHeader(head[:n])
	switch {
	case err != nil: // the import will say so too
		m.Flash, m.RAM, m.Why = []string{}, []string{}, err.Error()
	case h.Arch == mpy.ArchNone:
		m.Flash = []string{"bytecode", "the text of constants and names"}
		m.RAM = []string{made}
		m.Why = "bytecode and constants stay in flash"
	default:
		m.Arch = h.Arch.String()
		m.Flash = []string{"bytecode of functions that are no machine code", "the text of constants and names"}
		m.RAM = []string{"machine code for " + m.Arch, made}
		m.Why = "machine code (" + m.Arch + ") is copied to RAM"
	}
	return nil
}

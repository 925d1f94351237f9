// Package ram says what the modules of an image cost in RAM: the heap that
// importing each of them takes, measured by importing it on a real MicroPython.
//
// A module is imported from the image as a board has it in flash, mapped; from
// the same files in a file system, where everything has to be copied; and from
// its source, which the board compiles. Each of these happens in an interpreter
// of its own, and then all modules are imported one after the other, in the
// image's order. Between imports garbage is collected.
//
// [Choose] finds the interpreter and [Measure] makes the [Ledger], which the CLI
// prints and reports are drawn from.
package ram

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rules_romfs/packager/inspect"
)

// A Request says what is measured, and with what.
type Request struct {
	Image       *inspect.Image
	Interpreter *Interpreter
	Modules     []string          // by name; none: all but boot and main, which are programs
	Sources     map[string]string // the file that a .mpy was compiled from, by its path in the image
	Stubs       []string          // directories of modules that stand in for hardware
	Timeout     time.Duration     // of one interpreter; 0: none
	Jobs        int               // interpreters at once; 0: about one a processor
}

// A Ledger is what the modules of an image cost.
type Ledger struct {
	Image       string       `json:"image"` // its name for people
	Interpreter *Interpreter `json:"interpreter"`
	Modules     []*Module    `json:"modules"` // in image order
	// Total is what all that could be imported take together.
	Total Total `json:"total"`
	// Skipped are programs, which firmware runs and nobody imports.
	Skipped []string `json:"skipped"`
}

// A Total is the heap of all modules together, of each kind of import that was
// measured.
type Total struct {
	ROM        *int64 `json:"rom,omitempty"`
	FileSystem *int64 `json:"file_system,omitempty"`
	Source     *int64 `json:"source,omitempty"`
}

// A Module is one that can be imported from an image.
type Module struct {
	Name string `json:"name"`
	Path string `json:"path"`
	Kind string `json:"kind"`           // mpy or py
	Size int64  `json:"size"`           // of the file, which is in flash
	Arch string `json:"arch,omitempty"` // of the machine code in it

	// When it is imported from ROM, Flash is what stays there, and RAM what is on
	// the heap; Why has both in a few words.
	Flash []string `json:"flash"`
	RAM   []string `json:"ram"`
	Why   string   `json:"why"`

	// Max is the most that it may take from ROM; nil: it has no limit.
	Max *int64 `json:"max,omitempty"`

	ROM        *Cost `json:"rom,omitempty"`
	FileSystem *Cost `json:"file_system,omitempty"`
	Source     *Cost `json:"source,omitempty"` // nil: its source is not known
}

// A Cost is what an import takes, in bytes of heap.
type Cost struct {
	// Heap is what it takes alone, with all that the module imports itself.
	Heap int64 `json:"heap"`
	// Names is the part of Heap that is for names which no module had used before,
	// in tables that grow in steps: the import that takes the last free place pays
	// for the next ones, too. The rest is the module's own.
	Names int64 `json:"names"`
	// Together is what it adds where the modules before it have been imported.
	Together int64 `json:"together"`
	// Error is why it could not be imported; there are no figures then.
	Error string `json:"error,omitempty"`
}

// Failed tells whether there are no figures.
func (c *Cost) Failed() bool { return c.Error != "" }

// Measure imports modules of an image. A module that cannot be imported is no
// error of Measure's: its costs say why.
func Measure(ctx context.Context, r Request) (*Ledger, error) {
	modules, skipped, err := find(ctx, r.Image, r.Modules)
	if err != nil {
		return nil, err
	}
	l := &Ledger{Image: r.Image.Name, Interpreter: r.Interpreter, Modules: append([]*Module{}, modules...), Skipped: skipped}
	if len(modules) == 0 {
		return l, nil
	}
	dir, err := os.MkdirTemp("", "romfs-ram-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	b := &bench{Request: r, dir: evenLength(dir), modules: modules}
	if err := b.prepare(ctx); err != nil {
		return nil, err
	}
	if l.Total.ROM, err = b.measure(ctx, fromROM, func(m *Module) **Cost { return &m.ROM }); err != nil {
		return nil, err
	}
	if l.Total.FileSystem, err = b.measure(ctx, fromFiles, func(m *Module) **Cost { return &m.FileSystem }); err != nil {
		return nil, err
	}
	switch {
	case len(r.Sources) > 0:
		l.Total.Source, err = b.measure(ctx, fromSource, func(m *Module) **Cost { return &m.Source })
	case b.allSource():
		l.Total.Source = l.Total.FileSystem
		for _, m := range modules {
			m.Source = m.FileSystem
		}
	}
	return l, err
}

// evenLength returns a directory to make in dir, whose path has the same length
// wherever dir is: MicroPython puts whole paths together on its heap, and where those
// lay, the collector may find what looks like a pointer.
func evenLength(dir string) string {
	const length = 40
	return filepath.Join(dir, strings.Repeat("x", max(1, length-len(dir)-1)))
}

// Problems are the errors of modules, a line for each different one.
func (m *Module) Problems() []string {
	var all []string
	seen := map[string]bool{}
	for _, c := range []struct {
		from string
		cost *Cost
	}{{"ROM", m.ROM}, {"a file system", m.FileSystem}, {"source", m.Source}} {
		if c.cost == nil || !c.cost.Failed() {
			continue
		}
		lines := strings.Split(strings.TrimSpace(c.cost.Error), "\n")
		why := strings.TrimSpace(lines[len(lines)-1]) // of a traceback the error itself
		if !seen[why] {
			seen[why] = true
			all = append(all, fmt.Sprintf("%s cannot be imported from %s: %s", m.Name, c.from, why))
		}
	}
	return all
}

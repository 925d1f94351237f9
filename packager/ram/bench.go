package ram

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"rules_romfs/internal/batch"
	"rules_romfs/packager/imports"
	"rules_romfs/packager/inspect"
	"rules_romfs/packager/report"
)

// Where modules are imported from: the image, or a folder, by its name in the
// directory. It is a name for MicroPython as well, so it is short.
const (
	fromROM    = "image"
	fromFiles  = "f"
	fromSource = "s"
)

// A bench is a directory with what modules are imported from.
type bench struct {
	Request
	dir     string
	modules []*Module
}

// prepare fills the directory.
func (b *bench) prepare(ctx context.Context) error {
	if err := os.Mkdir(b.dir, 0o700); err != nil {
		return err
	}
	if len(b.Stubs) > 0 {
		if err := imports.GatherStubs(filepath.Join(b.dir, "stubs"), b.Stubs); err != nil {
			return &inspect.InputError{Err: err}
		}
	}
	if err := os.WriteFile(filepath.Join(b.dir, "sys"), []byte(after), 0o600); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(b.dir, fromROM))
	if err != nil {
		return err
	}
	_, err = io.Copy(f, io.NewSectionReader(b.Image.Data, 0, b.Image.Size()))
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := b.lay(ctx, fromFiles); err != nil {
		return err
	}
	if len(b.Sources) > 0 {
		if err := b.lay(ctx, fromSource); err != nil {
			return err
		}
		if err := b.replace(); err != nil {
			return err
		}
	}
	return nil
}

// lay puts the files of the image into a folder.
func (b *bench) lay(ctx context.Context, folder string) error {
	_, err := inspect.Extract(ctx, b.Image, inspect.ExtractOptions{Dir: filepath.Join(b.dir, folder), Reporter: report.Discard()})
	return err
}

// replace puts sources into their folder, in the place of what is compiled.
func (b *bench) replace() error {
	for compiled, source := range b.Sources {
		code, err := os.ReadFile(source)
		if err != nil {
			return &inspect.InputError{Err: err}
		}
		path := filepath.Join(b.dir, fromSource, filepath.FromSlash(compiled))
		if err := os.Remove(path); err != nil {
			return err
		}
		if err := os.WriteFile(strings.TrimSuffix(path, ".mpy")+".py", code, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// allSource tells whether no module is compiled.
func (b *bench) allSource() bool {
	for _, m := range b.modules {
		if m.Kind != "py" {
			return false
		}
	}
	return true
}

// measure imports every module alone, then those that could be imported one after
// the other, and returns what these take together.
func (b *bench) measure(ctx context.Context, from string, place func(*Module) **Cost) (*int64, error) {
	indices := make([]int, 0, len(b.modules))
	for i, m := range b.modules {
		if from != fromSource || m.Kind == "py" || b.Sources[m.Path] != "" {
			indices = append(indices, i)
		}
	}
	costs, err := batch.Run(ctx, b.Jobs, indices, func(i int) (*Cost, error) {
		return b.runAlone(ctx, from, b.modules[i])
	}, nil)
	if err != nil {
		return nil, err
	}
	var good []*Module
	for n, i := range indices {
		*place(b.modules[i]) = costs[n]
		if !costs[n].Failed() {
			good = append(good, b.modules[i])
		}
	}
	if len(good) == 0 {
		return nil, nil
	}
	together, err := b.runTogether(ctx, from, good)
	if err != nil {
		return nil, err
	}
	var total int64
	for n, m := range good {
		c := *place(m)
		if together[n].Failed() {
			c.Error = "after the modules before it: " + together[n].Error
			continue
		}
		c.Together = together[n].Heap
		total += c.Together
	}
	return &total, nil
}

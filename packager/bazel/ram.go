package bazel

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"rules_romfs/packager/inspect"
	"rules_romfs/packager/ram"
)

// ramTimeout ends an import that does not end itself.
const ramTimeout = time.Minute

// ram measures what importing each module of an image costs.
func (a *Action) ram(ctx context.Context, f *flags) error {
	in, err := f.readInputs()
	if err != nil {
		return err
	}
	image, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer image.Close()
	interpreter, err := likeBoards(ctx, f.micropython)
	if err != nil {
		return err
	}
	ledger, err := ram.Measure(ctx, ram.Request{
		Image: image, Interpreter: interpreter, Sources: in.compiledFrom(), Stubs: directories(f.stubs), Timeout: ramTimeout,
		Jobs: 1, // Bazel runs several actions
	})
	if err != nil {
		return err
	}
	interpreter.Program = filepath.Base(interpreter.Program) // no path of a machine
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(ledger); err != nil {
		return err
	}
	return os.WriteFile(f.out, b.Bytes(), 0o666)
}

// open opens the image under its name for people, which is no path of a machine.
func (f *flags) open(ctx context.Context) (*inspect.Image, error) {
	image, err := inspect.Open(ctx, f.image)
	if err == nil {
		image.Name = filepath.Base(f.image)
	}
	return image, err
}

// compiledFrom returns the sources that were compiled, by the path in the image.
func (in *inputs) compiledFrom() map[string]string {
	sources := map[string]string{}
	for _, p := range in.entries {
		if e := p.entry(); e.MPY != nil {
			sources[e.Dest] = in.sources[sourceKey{p.path, p.plan.name(e.Source)}].path
		}
	}
	return sources
}

// likeBoards returns an interpreter whose figures are a board's: the one that is
// named if it is such a one, else the one that is built in.
func likeBoards(ctx context.Context, named string) (*ram.Interpreter, error) {
	if named != "" {
		path, err := filepath.Abs(named)
		if err != nil {
			return nil, err
		}
		in, err := ram.Choose(ctx, path)
		if err != nil || in.LikeBoards() {
			return in, err
		}
	}
	return ram.Choose(ctx, ram.BuiltIn)
}

// directories returns those of the files, each once.
func directories(files []string) []string {
	var dirs []string
	for _, file := range files {
		if d := filepath.Dir(file); !slices.Contains(dirs, d) {
			dirs = append(dirs, d)
		}
	}
	return dirs
}

// MaxRAM bounds the heap that importing a module takes.
type MaxRAM struct {
	Module string `json:"module"`
	Max    int64  `json:"max"` // bytes
}

// checkRAM compares what modules cost with the limits of the test.
func (r *Request) checkRAM(ctx context.Context, path string, v *verdict) {
	errs, err := r.ram(ctx, path)
	if err != nil {
		v.check("what modules cost in RAM can be measured", err.Error())
	}
	for i, err := range errs {
		v.check(fmt.Sprintf("importing %s takes at most %d bytes of RAM", r.Test.MaxRAM[i].Module, r.Test.MaxRAM[i].Max), texts(err)...)
	}
}

// ram measures the modules of the test that have a limit, and returns what is
// wrong with each, in the order of the limits.
func (r *Request) ram(ctx context.Context, path string) ([]error, error) {
	image, err := inspect.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer image.Close()
	image.Name = filepath.Base(path)
	named, err := r.file(r.MicroPython)
	if err != nil {
		return nil, err
	}
	interpreter, err := likeBoards(ctx, named)
	if err != nil {
		return nil, err
	}
	stubs, err := r.stubDirs()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, m := range r.Test.MaxRAM {
		names = append(names, m.Module)
	}
	ledger, err := ram.Measure(ctx, ram.Request{Image: image, Interpreter: interpreter, Modules: names, Stubs: stubs, Timeout: ramTimeout})
	if err != nil {
		return nil, err
	}
	errs := make([]error, len(names))
	for i, limit := range r.Test.MaxRAM {
		for _, m := range ledger.Modules {
			if m.Name == limit.Module {
				errs[i] = m.Within(limit.Max)
			}
		}
	}
	return errs, nil
}

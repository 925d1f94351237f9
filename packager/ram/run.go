package ram

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"rules_romfs/packager/imports"
	"rules_romfs/packager/interpreter"
)

//go:embed ledger.py
var script string

// run imports modules in one interpreter, one after the other.
func (b *bench) run(ctx context.Context, from string, modules []*Module) ([]*Cost, error) {
	config, err := b.config(from, modules)
	if err != nil {
		return nil, err
	}
	s := interpreter.Script{
		Code: script, Dir: b.dir, Args: []string{config},
		Heap: 4<<20 + 2*b.Image.Size(), // the image is read into it, which a board has in flash
	}
	limited, cancel := ctx, context.CancelFunc(func() {})
	if b.Timeout > 0 {
		limited, cancel = context.WithTimeout(ctx, b.Timeout)
	}
	defer cancel()
	out, err := imports.Interpret(limited, b.Interpreter.program(), s)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case limited.Err() != nil:
		err = fmt.Errorf("it did not end within %v; does it run for ever at import?", b.Timeout)
	case err != nil:
		err = fmt.Errorf("the interpreter ended: %w", err)
	default:
		err = errors.New("the interpreter ended early")
	}
	return costs(modules, out, err), nil
}

// config writes what ledger.py is told.
func (b *bench) config(from string, modules []*Module) (name string, err error) {
	lines := []string{from, strings.Join(imports.Path(len(b.Stubs) > 0), ":")}
	for _, m := range modules {
		lines = append(lines, m.Name)
	}
	// Its name is a name as those of modules are: always of one length.
	name = fmt.Sprintf("%c%06d", from[0], b.runs.Add(1))
	return name, os.WriteFile(filepath.Join(b.dir, name), []byte(strings.Join(lines, "\n")), 0o600)
}

// costs reads what ledger.py prints, between what modules print. A module of
// which it says nothing has ended the interpreter, which ends tells of.
func costs(modules []*Module, out []byte, ends error) []*Cost {
	var all []*Cost
	var said []string // since the last module
	for line := range strings.Lines(string(out)) {
		line = strings.TrimRight(line, "\r\n")
		if result, ok := strings.CutPrefix(line, "\x02"); ok && len(all) < len(modules) {
			all = append(all, cost(modules[len(all)], result, said))
			said = nil
			continue
		}
		said = append(said, line)
	}
	for len(all) < len(modules) {
		all = append(all, &Cost{Error: strings.TrimSpace(strings.Join(said, "\n") + "\n" + ends.Error())})
	}
	return all
}

// cost reads the line about a module, before which that was said.
func cost(m *Module, result string, said []string) *Cost {
	if result == "" {
		why := strings.TrimSpace(strings.Join(said, "\n"))
		if last := said[len(said)-1]; strings.HasPrefix(last, "SystemExit") {
			why += ": it ends as of sys.exit(), which restarts a board"
		}
		return &Cost{Error: why}
	}
	figures := strings.SplitN(result, " ", 4) // after the mark
	if len(figures) != 4 {
		return &Cost{Error: fmt.Sprintf("MicroPython says %q", result)}
	}
	heap, err := strconv.ParseInt(figures[1], 10, 64)
	again, err2 := strconv.ParseInt(figures[2], 10, 64)
	file := figures[3]
	stem := func(p string) string { return strings.TrimSuffix(strings.TrimSuffix(p, ".mpy"), ".py") }
	switch {
	case err != nil || err2 != nil:
		return &Cost{Error: fmt.Sprintf("MicroPython says %q", result)}
	case file == "":
		return &Cost{Error: "the interpreter has a module of that name itself, which is imported instead"}
	case stem(file) != stem("/rom/"+m.Path):
		return &Cost{Error: file + " is imported instead"}
	}
	return &Cost{Heap: heap, Names: max(heap-again, 0)}
}

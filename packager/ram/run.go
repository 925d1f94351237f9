package ram

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rules_romfs/packager/imports"
	"rules_romfs/packager/interpreter"
)

//go:embed alone.py
var alone string

//go:embed after.py
var after string

//go:embed together.py
var together string

// filesOf are the file systems that modules are imported from, as a script makes
// them.
var filesOf = map[string]string{
	fromROM:    `vfs.VfsRom(open("` + fromROM + `", "rb").read())`,
	fromFiles:  `vfs.VfsPosix("` + fromFiles + `")`,
	fromSource: `vfs.VfsPosix("` + fromSource + `")`,
}

// script puts into one of the scripts what is in capitals there.
func (b *bench) script(text, from, modules string) string {
	stubs, path := "", `".frozen", "/rom", "/rom/lib"`
	if len(b.Stubs) > 0 {
		stubs = `vfs.mount(vfs.VfsPosix("stubs"), "` + imports.StubsAt + `")`
		path += `, "` + imports.StubsAt + `"`
	}
	for _, put := range [][2]string{{"(FILES", "(" + filesOf[from]}, {"\nSTUBS", "\n" + stubs}, {"= PATH", "= [" + path + "]"}, {"MODULES", modules}} {
		text = strings.Replace(text, put[0], put[1], 1)
	}
	return text
}

// runAlone imports a module in an interpreter of its own. What is compiled from a
// file system leaves much behind of which the collector keeps now this, now that, as
// it happens to lie: it is imported three times, from paths of several lengths, and
// the figure in the middle counts.
func (b *bench) runAlone(ctx context.Context, from string, m *Module) (*Cost, error) {
	var all []*Cost
	for _, detour := range []string{"", "./././", "./././././././"} {
		files := filesOf[from]
		script := b.script(alone, from, m.Name)
		switch top, _, _ := strings.Cut(m.Name, "."); top {
		case "a", "b", "gc", "sys", "vfs": // names of the script's
			script = strings.Replace(script, "import "+m.Name+"\n", "__import__(\""+m.Name+"\")\n", 1)
		}
		if detour != "" {
			script = strings.Replace(script, files, strings.Replace(files, `("`, `("`+detour, 1), 1)
		}
		// The argument is a name, but one that the import has, too.
		costs, err := b.run(ctx, script, []string{m.Name}, []*Module{m})
		if err != nil {
			return nil, err
		}
		all = append(all, costs...)
		if compiled := from == fromSource || from == fromFiles && m.Kind == "py"; !compiled || costs[0].Failed() {
			return costs[0], nil
		}
	}
	slices.SortFunc(all, func(x, y *Cost) int { return cmp.Compare(x.Heap, y.Heap) })
	return all[len(all)/2], nil
}

// runTogether imports modules in one interpreter, one after the other.
func (b *bench) runTogether(ctx context.Context, from string, modules []*Module) ([]*Cost, error) {
	var names strings.Builder
	for _, m := range modules {
		fmt.Fprintf(&names, "%q, ", m.Name)
	}
	return b.run(ctx, b.script(together, from, names.String()), nil, modules)
}

// run imports modules in one interpreter, by a script with those arguments.
func (b *bench) run(ctx context.Context, script string, args []string, modules []*Module) ([]*Cost, error) {
	s := interpreter.Script{
		Code: script, Dir: b.dir, Args: args,
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

// costs reads what the scripts print, between what modules print. A module of
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

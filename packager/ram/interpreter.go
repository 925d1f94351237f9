package ram

import (
	"context"
	"fmt"
	"math"
	"os/exec"
	"strings"

	"rules_romfs/packager/imports"
	"rules_romfs/packager/interpreter"
)

// BuiltIn names the interpreter that is part of this program.
const BuiltIn = "built-in"

// An Interpreter is a MicroPython that imports modules.
type Interpreter struct {
	Program string `json:"program"` // a path, or BuiltIn
	Release string `json:"release"` // of MicroPython
	// Bits are those of a word. Boards have 32; with 64 most objects take twice
	// as much.
	Bits int `json:"word_bits"`
}

// LikeBoards tells whether figures are those of a board.
func (in *Interpreter) LikeBoards() bool { return in.Bits == 32 }

// program is what [imports.Interpret] calls it.
func (in *Interpreter) program() string {
	if in.Program == BuiltIn {
		return ""
	}
	return in.Program
}

// An InterpreterError says that a program is no MicroPython that can measure.
type InterpreterError struct {
	Name string
	Err  error
}

func (e *InterpreterError) Error() string {
	return fmt.Sprintf("to measure RAM takes a MicroPython interpreter with VfsRom, and %s is none: %v; name another, or say %s for the one in this program",
		e.Name, e.Err, BuiltIn)
}

func (e *InterpreterError) Unwrap() error { return e.Err }

// Choose returns the interpreter of that name. Without a name it is the
// micropython on PATH if its words have 32 bits, and else the one that is built in.
func Choose(ctx context.Context, name string) (*Interpreter, error) {
	if name == "" {
		if in, err := probe(ctx, "micropython"); err == nil && in.LikeBoards() {
			return in, nil
		}
		name = BuiltIn
	}
	in, err := probe(ctx, name)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, &InterpreterError{name, err}
	}
	return in, nil
}

const question = `
import gc, sys, vfs
vfs.VfsRom, vfs.VfsPosix, gc.mem_alloc
print("word", sys.maxsize, "release", ".".join(str(n) for n in sys.implementation.version[:3]))
`

// probe asks an interpreter what it is.
func probe(ctx context.Context, name string) (*Interpreter, error) {
	in := &Interpreter{Program: BuiltIn}
	if name != BuiltIn {
		path, err := exec.LookPath(name)
		if err != nil {
			return nil, err
		}
		in.Program = path
	}
	out, err := imports.Interpret(ctx, in.program(), interpreter.Script{Code: question, Heap: 1 << 20})
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	var largest int64
	if _, err := fmt.Sscanf(string(out), "word %d release %s", &largest, &in.Release); err != nil {
		return nil, fmt.Errorf("it answers %q", out)
	}
	in.Bits = 32
	if largest > math.MaxInt32 {
		in.Bits = 64
	}
	return in, nil
}

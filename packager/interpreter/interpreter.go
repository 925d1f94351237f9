// Package interpreter is a MicroPython that needs nothing installed: built to
// WebAssembly from wasi/, and run by wazero within this process, on any system.
//
// Its words have 32 bits, as a board's, and it has the modules of firmware with
// extra features and none of a board's hardware. It loads no native code.
package interpreter

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"
)

// micropython.wasm is what wasi/update makes; micropython.txt says of what.
//
//go:embed micropython.wasm
var program []byte

// A Script is Python code, and what it sees of this machine.
type Script struct {
	Code string
	Args []string // sys.argv[1:]
	Heap int64    // bytes; 0: 1 MiB

	// Dir is its root and working directory; it may write there. Empty: it has none.
	Dir string
	// Dirs are more directories that it can read, by where it finds them.
	Dirs map[string]string
}

// An ExitError says that a script ended with another status than 0, as after an
// exception, which its output has.
type ExitError struct{ Status int }

func (e *ExitError) Error() string { return fmt.Sprintf("exit status %d", e.Status) }

// engine is compiled once a process, which takes about half a second.
var engine = sync.OnceValues(func() (compiled, error) {
	ctx := context.Background()
	config := wazero.NewRuntimeConfig().
		WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling). // exceptions of Python's
		WithCloseOnContextDone(true)
	r := wazero.NewRuntimeWithConfig(ctx, config)
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, r); err != nil {
		return compiled{}, err
	}
	module, err := r.CompileModule(ctx, program)
	return compiled{r, module}, err
})

type compiled struct {
	runtime wazero.Runtime
	module  wazero.CompiledModule
}

// Run runs a script to its end and returns what it prints. The error is an
// *ExitError, the context's, or says how the interpreter itself failed.
func Run(ctx context.Context, s Script) (output []byte, err error) {
	e, err := engine()
	if err != nil {
		return nil, fmt.Errorf("starting the built-in MicroPython: %w", err)
	}
	args := []string{"micropython"}
	if s.Heap > 0 {
		args = append(args, "-X", "heapsize="+strconv.FormatInt(s.Heap, 10))
	}
	files := wazero.NewFSConfig()
	if s.Dir != "" {
		files = files.WithDirMount(s.Dir, "/")
	}
	for _, at := range slices.Sorted(maps.Keys(s.Dirs)) {
		files = files.WithReadOnlyDirMount(s.Dirs[at], at)
	}
	ctx, b, done := NewOutput(ctx)
	defer done()
	config := wazero.NewModuleConfig().WithName(""). // several at once
								WithArgs(append(append(args, "-c", s.Code), s.Args...)...).
								WithFSConfig(files).WithStdout(b).WithStderr(b).
								WithSysWalltime().WithSysNanotime().WithSysNanosleep().WithRandSource(rand.Reader)
	module, err := e.runtime.InstantiateModule(ctx, e.module, config)
	if module != nil {
		module.Close(ctx)
	}
	var exit *sys.ExitError
	switch {
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case errors.As(err, &exit) && exit.ExitCode() == 0:
		err = nil
	case errors.As(err, &exit):
		err = &ExitError{int(exit.ExitCode())}
	case err != nil:
		err = fmt.Errorf("MicroPython crashed: %w", err)
	}
	return b.Bytes(), err
}

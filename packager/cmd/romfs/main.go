// Command romfs builds, reads and ships ROMFS images for MicroPython.
package main

import (
	"context"
	"io"
	"math"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
)

func main() { os.Exit(process()) }

// process is the life of this program; the tests' program has the same.
func process() int {
	if os.Getenv("GOGC") == "" {
		collectLate()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// From the first signal on, a second one has its usual effect: whoever
	// presses Ctrl-C twice does not want to wait for the clean-up.
	context.AfterFunc(ctx, stop)
	return run(ctx, bazelArgs(), os.Stdin, os.Stdout, os.Stderr, os.Getenv)
}

// collectLate has the first garbage collected when the program has grown to 20
// MiB, which the build of a thousand modules never does, and from then on
// sooner than usual: most memory here is garbage of a moment, and this halves
// the peak at 20,000 files.
func collectLate() {
	const first, percent = 20 << 20, 20
	type collected struct{ _ *byte }
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(first)
	runtime.SetFinalizer(new(collected), func(*collected) {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(math.MaxInt64)
	})
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, getenv: getenv}
	a.again = func(ctx context.Context, args []string, stdout, stderr io.Writer) int {
		return run(ctx, args, stdin, stdout, stderr, getenv)
	}
	root := newRoot(a, args)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	a.sims.Close() // why a board ended by itself, the verb has said
	return a.finish(ctx, err)
}

// Command romfs builds, reads and ships ROMFS images for MicroPython.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

func main() { os.Exit(process()) }

// process is the life of this program; the tests' program has the same.
func process() int {
	if os.Getenv("GOGC") == "" {
		// Most memory here is garbage of a moment. Collecting it sooner costs
		// a tenth of the time at 20,000 files, and halves the peak.
		debug.SetGCPercent(30)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// From the first signal on, a second one has its usual effect: whoever
	// presses Ctrl-C twice does not want to wait for the clean-up.
	context.AfterFunc(ctx, stop)
	return run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv)
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, getenv: getenv}
	a.again = func(ctx context.Context, args []string) int { return run(ctx, args, stdin, stdout, stderr, getenv) }
	root := newRoot(a)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	return a.finish(ctx, err)
}

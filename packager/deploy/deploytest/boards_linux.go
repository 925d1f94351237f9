package deploytest

import (
	"context"
	"flag"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/simboard"
)

// Full makes the power-cut sweep try every kind of cut at every flash step,
// and repair after many of them. It takes about an hour on two cores. Without
// it a deploy is cut at every flash step too, but in fewer ways.
var Full = os.Getenv("ROMFS_FULL_SWEEP") != ""

// Patience bounds a deploy to a misbehaving board. It is far above what any
// takes, and far below a hang.
const Patience = 4 * time.Minute

// Main runs the tests of a package, more of them at a time than there are
// processors: many wait for what takes its time on a board, such as an erase, a
// watchdog, or a line that lost something.
func Main(m *testing.M) {
	flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))) // before -parallel is looked at
	os.Exit(m.Run())
}

// Start starts a simulated board, on MicroPython's unix port if o names no other
// interpreter.
func Start(t testing.TB, o simboard.Options) *simboard.Board {
	t.Helper()
	if o.Interpreter == "" {
		o.Interpreter = peer.MicroPython(t)
	}
	o.Listen = "127.0.0.1:0"
	b, err := simboard.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// UntilOff returns a context that ends when a cut has taken the board's power
// away: a deploy would wait for the board to come back.
func UntilOff(t testing.TB, b *simboard.Board) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	go func() {
		if b.WaitOff(ctx) == nil {
			cancel()
		}
	}()
	return ctx
}

//go:build linux

package deploy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"testing"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/port"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
)

// TestMain has more tests run at a time than there are processors: many wait for what
// takes its time on a board, such as an erase, a watchdog, or a line that lost something.
func TestMain(m *testing.M) {
	flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))) // before -parallel is looked at
	os.Exit(m.Run())
}

// startBoard starts a simulated board.
func startBoard(t testing.TB, o simboard.Options) *simboard.Board {
	t.Helper()
	o.Interpreter = peer.MicroPython(t)
	return start(t, o)
}

func start(t testing.TB, o simboard.Options) *simboard.Board {
	t.Helper()
	o.Listen = "127.0.0.1:0"
	b, err := simboard.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// untilOff returns a context that ends when a cut has taken the board's power
// away: a deploy would wait for the board to come back.
func untilOff(t testing.TB, b *simboard.Board) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	go func() {
		if b.WaitOff(ctx) == nil {
			cancel()
		}
	}()
	return ctx
}

// request is a deploy of image to b.
func request(t testing.TB, b *simboard.Board, image []byte) Request {
	return Request{Image: image, Port: b.Addr(), Opener: &port.Opener{}, Reporter: report.NewLog(t.Output())}
}

// build makes an image of files, in the given layout.
func build(t testing.TB, o romfs.Options, files map[string][]byte) []byte {
	t.Helper()
	root := &romfs.Node{Dir: true}
	for name, content := range files {
		root.Children = append(root.Children, &romfs.Node{
			Name: name, Size: int64(len(content)), Sum: sha256.Sum256(content),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
			Bulk: len(content) >= 8000,
		})
	}
	plan, err := romfs.NewPlan(root, o)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := plan.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// random returns n bytes that nothing compresses.
func random(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	r.Read(b)
	return b
}

// code returns about n bytes that look like a program.
func code(seed uint64, n int) []byte {
	var b bytes.Buffer
	r := rand.New(rand.NewPCG(seed, 0))
	for b.Len() < n {
		fmt.Fprintf(&b, "def f%d(x):\n    return x * %d + %d\n", r.IntN(1e6), r.IntN(1e6), r.IntN(1e6))
	}
	return b.Bytes()[:n]
}

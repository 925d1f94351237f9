//go:build linux

package repl

import (
	"strings"
	"testing"
	"time"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/port"
	"rules_romfs/packager/simboard"
)

// atPrompt starts a simulated board and enters its raw REPL.
func atPrompt(t *testing.T) *REPL {
	t.Helper()
	b, err := simboard.Start(t.Context(), simboard.Options{Interpreter: peer.MicroPython(t), Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	link, err := (&port.Opener{}).Open(t.Context(), b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { link.Close() })
	r := &REPL{Link: link}
	if err := r.Enter(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestJunkAtThePrompt has bytes left at the raw REPL that were meant for a
// program: they neither keep a reset from happening nor a program from arriving.
func TestJunkAtThePrompt(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r := atPrompt(t)
	junk := func() {
		if err := r.Link.Write(ctx, []byte("\n\n\n~k630000000000")); err != nil {
			t.Fatal(err)
		}
	}
	junk()
	if out, err := r.Exec(ctx, "x=1\nprint(x)\n", time.Minute); err != nil || string(out) != "1\r\n" {
		t.Fatalf("%q, %v", out, err)
	}
	junk()
	if err := r.SoftReset(ctx, time.Minute); err != nil {
		t.Fatal(err)
	}
	if out, err := r.Exec(ctx, "print('x' in globals())\n", time.Minute); err != nil || string(out) != "False\r\n" {
		t.Errorf("after the reset: %q, %v", out, err)
	}
}

// TestDamagedLoaderIsReplaced: a loader that arrived damaged, and was a valid program all
// the same, refuses whatever follows; a repeated piece brings its own.
func TestDamagedLoaderIsReplaced(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r := atPrompt(t)
	loader := Loader()
	damaged := strings.Replace(loader, "b=1\n", "b=3\n", 1)
	if damaged == loader {
		t.Fatalf("the loader has another beginning: %q", loader)
	}
	if _, err := r.Exec(ctx, damaged, AnswerLimit); err != nil {
		t.Fatal(err)
	}
	r.loaded = true
	out, err := r.execPiece(ctx, Guarded("print('ran')\n"), AnswerLimit)
	if err != nil || strings.TrimSpace(string(out)) != "ran" {
		t.Errorf("it says %q, error %v", out, err)
	}
}

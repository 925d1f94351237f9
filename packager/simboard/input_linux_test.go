package simboard

import (
	"bufio"
	"strings"
	"testing"
	"time"

	"rules_romfs/internal/peer"
)

// TestLateInterrupt: a Ctrl-C that was for the interpreter before a reset does nothing to the one
// after it, which may have no handler yet.
func TestLateInterrupt(t *testing.T) {
	t.Parallel()
	b, err := Start(t.Context(), Options{Interpreter: peer.MicroPython(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	host, err := b.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	after := func(before *process) {
		for b.ctx.Err() == nil {
			if p := b.running(); p != nil && p != before {
				return
			}
			time.Sleep(50 * time.Microsecond)
		}
	}
	lines := bufio.NewScanner(host)
	comesUp := func() {
		for lines.Scan() {
			if strings.Contains(lines.Text(), "MicroPython v") {
				return
			}
		}
		t.Fatalf("it does not come up: %v", b.Close())
	}
	for range 10 {
		comesUp()
		before := b.running()
		b.Reset()
		after(before)
		b.interrupt(before)
	}
	comesUp()
	if s := b.Stats(); s.Crashes != 0 || s.Boots != 11 {
		t.Errorf("%+v", s)
	}
}

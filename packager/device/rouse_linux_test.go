package device

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"rules_romfs/packager/port"
	"rules_romfs/packager/repl"
)

// TestNoWayToReset: a port without lines is said once, whatever is tried, and the
// board is given the rest of its time.
func TestNoWayToReset(t *testing.T) {
	t.Parallel()
	master, terminal, err := pty.Open() // with nobody behind it
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer terminal.Close()
	var warned []string
	o := &port.Opener{Reset: "classic; usb-jtag", Warn: func(message string) { warned = append(warned, message) }}
	l, err := o.Open(t.Context(), terminal.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b := &Board{Port: terminal.Name(), opener: o, usb: port.Find(terminal.Name()), link: l, repl: &repl.REPL{Link: l}}
	if err := b.rouse(t.Context(), time.Second); !errors.Is(err, port.ErrTimeout) {
		t.Error(err)
	}
	said := 0
	for _, line := range warned {
		if strings.Contains(line, "does not set DTR and RTS") {
			said++
		}
	}
	if said != 1 || len(warned) != 3 {
		t.Errorf("warnings: %q", warned)
	}
}

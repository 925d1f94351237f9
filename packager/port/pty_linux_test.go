package port

import (
	"os"
	"testing"

	"github.com/creack/pty"
)

// openPTY returns the master of a new pty and the name of its other end.
func openPTY(t *testing.T) (*os.File, string) {
	t.Helper()
	master, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close(); terminal.Close() })
	return master, terminal.Name()
}

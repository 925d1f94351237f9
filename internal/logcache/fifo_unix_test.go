//go:build unix

package logcache

import (
	"path/filepath"
	"syscall"
	"testing"
)

// TestFIFO: nobody waits for what has the name of a log and is none.
func TestFIFO(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, mark := range []string{"0123456789abcdef", "0000000000000000"} {
		if err := syscall.Mkfifo(filepath.Join(dir, "log.3."+mark), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := open(t, dir, wide)
	if has(t, c, 1, 100) {
		t.Error("there is a result already")
	}
	put(c, 1, 100)
	c.Flush()
	if err := c.Err(); err != nil || !has(t, open(t, dir, wide), 1, 100) {
		t.Errorf("what was put is not kept: %v", err)
	}
}

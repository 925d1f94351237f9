// Package testprogram writes the programs that tests start, and tells whether
// they go on.
package testprogram

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Write makes an executable file with its directories, and returns its path.
//
// A process that is forked while the file is open for writing has it open too,
// until it is another program, and the kernel runs no file that somebody may
// write ("text file busy"): so nothing is forked meanwhile.
func Write(tb testing.TB, path, content string) string {
	tb.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	err := os.MkdirAll(filepath.Dir(path), 0o777)
	if err == nil {
		err = os.WriteFile(path, []byte(content), 0o755)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

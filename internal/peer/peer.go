// Package peer finds the official tools that the tests compare this project
// with: mpy-cross, mpremote and a real MicroPython interpreter.
//
// A tool is taken from its environment variable, which Bazel tests set to its
// place in their runfiles, or else from tools/peers, which installs it into the user's cache folder on
// first use. A tool that cannot be had fails the test: an oracle that is
// skipped proves nothing.
package peer

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// A tool is one name that tools/peers knows and the variable that overrides it.
type tool struct{ name, env string }

var (
	mpyCross    = tool{"mpy-cross", "ROMFS_PEER_MPY_CROSS"}
	mpremote    = tool{"mpremote", "ROMFS_PEER_MPREMOTE"}
	mpremote126 = tool{"mpremote-1.26", "ROMFS_PEER_MPREMOTE_1_26"}
	micropython = tool{"micropython", "ROMFS_PEER_MICROPYTHON"}
)

// MpyCross returns the path of the official mpy-cross that this release pins.
func MpyCross(tb testing.TB) string { tb.Helper(); return find(tb, mpyCross) }

// Mpremote returns the path of the current official mpremote.
func Mpremote(tb testing.TB) string { tb.Helper(); return find(tb, mpremote) }

// Mpremote126 returns the path of mpremote 1.26.
func Mpremote126(tb testing.TB) string { tb.Helper(); return find(tb, mpremote126) }

// MicroPython returns the path of a real MicroPython interpreter whose vfs
// module has VfsRom.
func MicroPython(tb testing.TB) string { tb.Helper(); return find(tb, micropython) }

var (
	mu    sync.Mutex
	found = map[string]string{}
)

func find(tb testing.TB, t tool) string {
	tb.Helper()
	mu.Lock()
	defer mu.Unlock()
	if p := found[t.name]; p != "" {
		return p
	}
	p := os.Getenv(t.env)
	if p == "" {
		var stderr strings.Builder
		cmd := exec.Command(filepath.Join(Root(tb), "tools", "peers"), t.name)
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			tb.Fatalf("tools/peers %s: %v\n%s", t.name, err, stderr.String())
		}
		p = strings.TrimSpace(string(out))
	}
	if runfiles := os.Getenv("TEST_SRCDIR"); runfiles != "" && !filepath.IsAbs(p) {
		p = filepath.Join(runfiles, p)
	}
	abs, err := filepath.Abs(p)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := os.Stat(abs); err != nil {
		tb.Fatalf("%s: %v", t.name, err)
	}
	found[t.name] = abs
	return abs
}

// Root returns the directory of the repository that this package was built
// from; under Bazel the one that holds the files that the test declares.
func Root(tb testing.TB) string {
	tb.Helper()
	if runfiles := os.Getenv("TEST_SRCDIR"); runfiles != "" {
		return filepath.Join(runfiles, os.Getenv("TEST_WORKSPACE"))
	}
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		tb.Fatal("no caller information")
	}
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}

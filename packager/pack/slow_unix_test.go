//go:build unix

package pack

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rules_romfs/internal/peer"
	"rules_romfs/internal/testprogram"
	"rules_romfs/packager/report"
)

// listening passes on what a build says.
type listening struct {
	report.Reporter
	to func(msg string)
}

func (l listening) Log(_ report.Level, msg string) { l.to(msg) }

// TestStillCompiling: a build says which source takes long, once.
func TestStillCompiling(t *testing.T) {
	t.Parallel()
	path := project(t, "files: [{src: a.py}]\n", map[string]string{"a.py": "x = 1\n"})
	gate := filepath.Join(t.TempDir(), "gate") // until it is opened, the compiler waits
	if err := syscall.Mkfifo(gate, 0o600); err != nil {
		t.Fatal(err)
	}
	o := options(t, path)
	o.MPYCross = testprogram.Write(t, filepath.Join(t.TempDir(), "mpy-cross"),
		fmt.Sprintf("#!/bin/sh\n[ \"$1\" = --version ] || read line <'%s'\nexec '%s' \"$@\"\n", gate, peer.MpyCross(t)))
	o.slowAfter = time.Millisecond
	told := make(chan string, 10)
	o.Reporter = listening{o.Reporter, func(msg string) {
		if !strings.Contains(msg, "compiling") {
			return
		}
		told <- msg
		if err := os.WriteFile(gate, []byte("go\n"), 0); err != nil {
			t.Error(err)
		}
	}}
	if _, err := Build(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	want := "still compiling " + filepath.Join(filepath.Dir(path), "a.py") + "; Ctrl-C ends it"
	if n, got := len(told), <-told; n != 1 || got != want {
		t.Errorf("it said %d lines, %q first; want %q", n, got, want)
	}
}

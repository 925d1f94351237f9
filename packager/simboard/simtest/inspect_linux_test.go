package simtest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_romfs/internal/testprogram"
	"rules_romfs/packager/simboard/flashsim"
)

// program writes a shell script that stands for an interpreter.
func program(t *testing.T, script string) string {
	t.Helper()
	return testprogram.Write(t, filepath.Join(t.TempDir(), "interpreter"), "#!/bin/sh\n"+script)
}

// TestInspectorFails: a driver that dies is what a partition does to it; an
// interpreter that says nothing one can read is an error. Each is started anew.
func TestInspectorFails(t *testing.T) {
	t.Parallel()
	if _, err := NewInspector(filepath.Join(t.TempDir(), "gone")); err == nil {
		t.Error("an interpreter that is not there")
	}
	for name, c := range map[string]struct{ script, view, err string }{
		"dies":        {"read line", "the driver crashed", ""},
		"says junk":   {"while read line; do echo junk; done", "", `"junk\n"`},
		"says a view": {`while read line; do echo '{"mounted": true, "error": "said"}'; done`, "said", ""},
	} {
		i, err := NewInspector(program(t, c.script))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			view, err := i.File(context.Background(), "flash", 0, 4)
			if view.Error != c.view || view.Mounted != (c.view != "") || (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %+v, %v", name, view, err)
			}
		}
		i.Close()
		if err := i.Close(); err != nil {
			t.Errorf("%s: closed twice: %v", name, err)
		}
	}
	i, err := NewInspector(program(t, "read line; exec sleep 1000"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if view, err := i.File(ctx, "flash", 0, 4); view.Error != "the driver did not end" || err != nil {
		t.Errorf("%+v, %v", view, err)
	}
}

// TestReplayer: the file holds the flash as the log began, and goes with Close.
func TestReplayer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log := &flashsim.Log{Before: []byte("before")}
	if _, err := NewReplayer(log, filepath.Join(dir, "gone")); err == nil {
		t.Error("a folder that is not there")
	}
	if _, err := NewReplayer(&flashsim.Log{}, dir); err == nil || !strings.Contains(err.Error(), "map ") {
		t.Errorf("no flash: %v", err)
	}
	r, err := NewReplayer(log, dir)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(r.path); string(b) != "before" {
		t.Errorf("%q, %v", b, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(r.path); err == nil {
		t.Error("the file is left")
	}
}

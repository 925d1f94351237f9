package mpy

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"rules_romfs/internal/peer"
)

func TestBatchEqualsMPYCross(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c, err := NewCompiler(ctx, peer.MpyCross(t))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good.py"), filepath.Join(dir, "bad.py")
	for name, src := range map[string]string{good: "def f(x):\n    return x + 1\n", bad: "x = 1\ndef f(:\n"} {
		if err := os.WriteFile(name, []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := filepath.Join(dir, "want")
	if out, err := exec.Command(c.Path, "-s", "lib/good.py", "-o", want, good).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	wantCode, _ := os.ReadFile(want)
	cache, err := OpenCache(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := Batch{Compiler: c, Cache: cache}
	for _, cached := range []bool{false, true} {
		r, err := b.Run(ctx, []Job{{Path: good, Options: Options{SourceName: "lib/good.py"}}})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(r[0].Code, wantCode) || r[0].Cached != cached {
			t.Errorf("got % x, cached %v; want % x, cached %v", r[0].Code, r[0].Cached, wantCode, cached)
		}
	}
	_, err = b.Run(ctx, []Job{{Path: bad, Options: Options{SourceName: "bad.py"}}})
	var ce *CompileError
	if !errors.As(err, &ce) || ce.File != bad || ce.Line != 2 {
		t.Errorf("got %v, want an error on line 2 of %s", err, bad)
	}
}

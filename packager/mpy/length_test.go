package mpy

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
)

// lengthSources make every part of a .mpy file: names, constants of each kind,
// functions in functions, and each kind of native code.
var lengthSources = map[string]string{
	"empty":     "",
	"constants": "x = (1, 2.5, 'text', b'bytes', (), (None, True, ...), 1 << 80, b'')\ny = 'a long constant that is no name'\nz = 2j\n",
	"functions": "def a(b=1, *c, **d):\n    def e():\n        return lambda: [f for f in c]\n    return e\nclass G:\n    def h(self): yield self\n",
	"native":    "@micropython.native\ndef f(a): return a + 1\n@micropython.viper\ndef g(a: int) -> int: return a + 1\n@micropython.asm_thumb\ndef h(r0, r1): add(r0, r0, r1)\n",
}

// TestLength: what the compiler made ends where it says, whatever follows, and
// nothing that is cut off does.
func TestLength(t *testing.T) {
	t.Parallel()
	c, err := NewCompiler(t.Context(), peer.MpyCross(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, src := range lengthSources {
		code, err := c.Compile(t.Context(), []byte(src), Options{SourceName: name + ".py", Arch: "armv7emsp"})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n, err := Length(append(code[:len(code):len(code)], "JUNK"...)); n != len(code) || err != nil {
			t.Errorf("%s: Length is %d, %v; want %d", name, n, err, len(code))
		}
		for n := range code {
			if got, err := Length(code[:n]); err == nil && got == n {
				t.Errorf("%s cut to %d of %d bytes passes as whole", name, n, len(code))
			}
		}
	}
}

// TestLengthOfLibrary walks what MicroPython's own ports freeze.
func TestLengthOfLibrary(t *testing.T) {
	t.Parallel()
	c, err := NewCompiler(t.Context(), peer.MpyCross(t))
	if err != nil {
		t.Fatal(err)
	}
	top := filepath.Dir(filepath.Dir(peer.ManifestFile(t)))
	files := 0
	err = filepath.WalkDir(top, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".py") {
			return err
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		code, err := c.Compile(t.Context(), src, Options{SourceName: filepath.Base(path)})
		var refused *CompileError
		if errors.As(err, &refused) && !strings.Contains(refused.Message, "whole") {
			return nil // a host's script
		}
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return nil
		}
		files++
		if n, err := Length(code); n != len(code) || err != nil {
			t.Errorf("%s: Length is %d, %v; want %d", path, n, err, len(code))
		}
		return nil
	})
	if err != nil || files < 50 {
		t.Errorf("%d files were compiled: %v", files, err)
	}
}

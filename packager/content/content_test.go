package content

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/mpy"
)

// TestCheck: what the suffix promises, and what is there.
func TestCheck(t *testing.T) {
	t.Parallel()
	const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
	for _, tc := range []struct{ name, text, want string }{
		{"face.tflite", pointer, CodeLFS},
		{"FACE.TFLITE", pointer, CodeLFS},
		{"notes", pointer, CodeLFS},
		{"a.bin", pointer, CodeLFS},
		{"a.txt", pointer + strings.Repeat("x", lfsMax), ""}, // a text about pointers
		{"face.tflite", "", CodeEmpty},
		{"face.onnx", "", CodeEmpty},
		{"a.txt", "", ""},
		{"__init__.py", "", ""},
		{"face.tflite", "\x08\x00\x00\x00TFL3 and whatever", ""}, // no table to measure by
		{"face.tflite", "\x1c\x00\x00\x00TFL3 and whatever", CodeTruncated},
		{"face.tflite", "\x1c\x00\x00\x00TFL2", CodeMismatch},
		{"face.tflite", "TFL3", CodeMismatch},
		{"face.TFLite", "{\"message\": \"Not Found\"}", CodeMismatch},
		{"face.tflite", "\n<!DOCTYPE html><title>Sign in", CodeMismatch},
		{"face.onnx", "\ufeff<html>", CodeMismatch},
		{"index.html", "<!DOCTYPE html>", ""},
		{"face.onnx", "\x08\x07", ""},
		{"a.mpy", "", ""},
		{"a.mpy", "x = 1\n", ""},
		{"a.mpy", "M\x06\x00\x1f", CodeTruncated},
		{"a.mpy", "M\x05\x00\x1f", ""}, // of another version: nothing to measure by
		{"a.png", "\x89PNG\r\n\x1a\nrest", ""},
		{"a.png", "\xff\xd8\xff", CodeMismatch},
		{"a.jpg", "\xff\xd8\xff\xe0", ""},
		{"a.romfs", "\xd2\xcd\x31\x00", ""},
		{"a.romfs", "PK", CodeMismatch},
	} {
		f := Check(tc.name, strings.NewReader(tc.text), int64(len(tc.text)))
		got := ""
		if f != nil {
			got = f.Code
		}
		if got != tc.want {
			t.Errorf("%s, %.20q: %q, want %q", tc.name, tc.text, got, tc.want)
		}
	}
}

// TestModelCutOff: a real model ends where it says, and is missed at every length
// at which a part of its weights is.
func TestModelCutOff(t *testing.T) {
	t.Parallel()
	model, err := os.ReadFile(filepath.Join("testdata", "model.tflite"))
	if err != nil {
		t.Fatal(err)
	}
	check := func(n int) *Finding { return Check("model.tflite", strings.NewReader(string(model[:n])), int64(n)) }
	if f := check(len(model)); f != nil {
		t.Errorf("the whole model %s", f.Message)
	}
	for _, n := range []int{8, len(model) / 8, len(model) / 4, len(model) / 2} {
		if f := check(n); f == nil || f.Code != CodeTruncated {
			t.Errorf("%d of %d bytes: %v", n, len(model), f)
		}
	}
}

// TestModuleCutOff: so is a module that the compiler made, at every length at
// which it begins as one.
func TestModuleCutOff(t *testing.T) {
	t.Parallel()
	c, err := mpy.NewCompiler(t.Context(), peer.MpyCross(t))
	if err != nil {
		t.Fatal(err)
	}
	code, err := c.Compile(t.Context(), []byte("def f(a):\n    return 'text', a\n"), mpy.Options{SourceName: "m.py"})
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(code) + 1 {
		if f := Check("m.mpy", strings.NewReader(string(code[:n])), int64(n)); (f == nil) != (n == len(code) || n < 4) {
			t.Errorf("%d of %d bytes: %v", n, len(code), f)
		}
	}
}

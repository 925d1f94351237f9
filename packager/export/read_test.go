package export

import (
	"bytes"
	"os"
	"testing"
)

// checkRead has Read take apart what Write wrote, as a programmer would, and
// find each byte of it that is changed.
func checkRead(t *testing.T, path string, o Options, want []byte) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !o.Format.Addressed() {
		o.Address = 0
	}
	address, got, err := Read(file, o.Format)
	if err != nil || address != o.Address || !bytes.Equal(got, want) {
		t.Errorf("read back: %d bytes at %#x, %v; want %d at %#x", len(got), address, err, len(want), o.Address)
	}
}

// TestReadDamaged changes each byte of a small file of each format that checks
// itself, and cuts it everywhere.
func TestReadDamaged(t *testing.T) {
	t.Parallel()
	for _, f := range []Format{DfuSe, Hex} {
		var b bytes.Buffer
		if err := Write(&b, image(100), Options{Format: f, Address: 0x9000_fff0}); err != nil {
			t.Fatal(err)
		}
		for i := range b.Len() {
			file := bytes.Clone(b.Bytes())
			file[i] ^= 0x5a
			if address, got, err := Read(file, f); err == nil && (address != 0x9000_fff0 || !bytes.Equal(got, image(100))) {
				t.Errorf("%s: byte %d is damaged, and %d bytes at %#x are read without an error", f, i, len(got), address)
			}
			// The line end of the last record is all that can be missing.
			if _, _, err := Read(b.Bytes()[:i], f); err == nil && i < b.Len()-1 {
				t.Errorf("%s: cut after %d of %d bytes, it is read without an error", f, i, b.Len())
			}
		}
	}
	for _, f := range Formats() {
		if f == Raw {
			continue
		}
		if _, _, err := Read(nil, f); err == nil {
			t.Errorf("%s: nothing is read without an error", f)
		}
	}
}

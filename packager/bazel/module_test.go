package bazel

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strings"
	"testing"

	"rules_romfs/packager/artifact"
)

func TestModule(t *testing.T) {
	source := artifact.Digest(sha256.Sum256([]byte("source")))
	for _, parts := range [][]string{{"one"}, {""}, {"one", "", strings.Repeat("x", 300)}} {
		m := module{source: source}
		for _, p := range parts {
			m.parts = append(m.parts, []byte(p))
		}
		file := m.encode()
		if len(parts) == 1 && !strings.HasPrefix(string(file), parts[0]) {
			t.Errorf("the file of one part is %q, which firmware would not load", file)
		}
		got, err := decodeModule(file, len(parts))
		if err != nil {
			t.Fatal(err)
		}
		if got.source != source || !slices.EqualFunc(got.parts, m.parts, bytes.Equal) {
			t.Errorf("%q came back as %q", parts, got.parts)
		}
		if len(parts) == 1 {
			continue
		}
		for n := range len(file) - sha256.Size {
			if _, err := decodeModule(slices.Delete(slices.Clone(file), n, len(file)-sha256.Size), len(parts)); err == nil {
				t.Errorf("the first %d of %d bytes passed", n, len(file)-sha256.Size)
			}
		}
		if _, err := decodeModule(append([]byte{0}, file...), len(parts)); err == nil {
			t.Error("a byte too many passed")
		}
	}
	for _, n := range []int{1, 2} {
		if _, err := decodeModule(make([]byte, sha256.Size-1), n); err == nil {
			t.Errorf("%d parts and no digest passed", n)
		}
	}
}

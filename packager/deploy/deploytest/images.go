// Package deploytest is what tests of deploys start with: simulated boards, one
// for each way in which a port writes its flash, and images for them.
package deploytest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"rules_romfs/packager/romfs"
)

// Image makes an image of files, in the given layout.
func Image(t testing.TB, o romfs.Options, files map[string][]byte) []byte {
	t.Helper()
	root := &romfs.Node{Dir: true}
	for name, content := range files {
		root.Children = append(root.Children, &romfs.Node{
			Name: name, Size: int64(len(content)), Sum: sha256.Sum256(content),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
			Bulk: len(content) >= 8000,
		})
	}
	plan, err := romfs.NewPlan(root, o)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := plan.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Random returns n bytes that nothing compresses.
func Random(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	r.Read(b)
	return b
}

// Code returns about n bytes that look like a program.
func Code(seed uint64, n int) []byte {
	var b bytes.Buffer
	r := rand.New(rand.NewPCG(seed, 0))
	for b.Len() < n {
		fmt.Fprintf(&b, "def f%d(x):\n    return x * %d + %d\n", r.IntN(1e6), r.IntN(1e6), r.IntN(1e6))
	}
	return b.Bytes()[:n]
}

// Digests returns the SHA-256 of each file, as a simtest.Inspector gives them.
func Digests(files map[string][]byte) map[string]string {
	s := map[string]string{}
	for name, content := range files {
		s[name] = fmt.Sprintf("%x", sha256.Sum256(content))
	}
	return s
}

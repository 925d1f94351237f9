package pack

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// TestPipelined: what is written arrives, in its order, however it is cut.
func TestPipelined(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	want := make([]byte, (pipelineBuffers+2)*pipelineBuffer+1)
	for i := range want {
		want[i] = byte(random.Uint32())
	}
	for _, most := range []int{1000, pipelineBuffer, 3 * pipelineBuffer} {
		var got bytes.Buffer
		w := newPipelined(&got)
		for left := want; len(left) > 0; {
			p := bytes.Clone(left[:min(len(left), random.IntN(most+1))])
			if n, err := w.Write(p); n != len(p) || err != nil {
				t.Fatalf("%d of %d bytes, %v", n, len(p), err)
			}
			left = left[len(p):]
			clear(p) // it is the caller's again
		}
		if err := w.Close(); err != nil || !bytes.Equal(got.Bytes(), want) {
			t.Errorf("pieces of up to %d bytes: %v, %d bytes of %d, or others", most, err, got.Len(), len(want))
		}
	}
}

// A full writer takes so many bytes and no more.
type full struct {
	left int
	err  error
}

func (f *full) Write(p []byte) (int, error) {
	n := min(len(p), f.left)
	if f.left -= n; n < len(p) {
		return n, f.err
	}
	return n, nil
}

// TestPipelinedFails: who writes on is told, and so is who has written all that
// there is before it failed.
func TestPipelinedFails(t *testing.T) {
	t.Parallel()
	why := errors.New("disk full")
	for _, room := range []int{0, 1, pipelineBuffer, 3 * pipelineBuffer} {
		w := newPipelined(&full{room, why})
		var err error
		for i := 0; err == nil; i++ {
			if i > room+100*pipelineBuffer {
				t.Fatalf("room for %d bytes: nobody was told", room)
			}
			_, err = w.Write(make([]byte, 1000))
		}
		if closed := w.Close(); err != why || closed != why {
			t.Errorf("room for %d bytes: %v, %v at the end", room, err, closed)
		}
	}
	w := newPipelined(&full{10, why})
	if _, err := w.Write(make([]byte, 11)); err != nil {
		t.Errorf("it cannot know yet: %v", err)
	}
	if err := w.Close(); err != why {
		t.Errorf("%v at the end", err)
	}
}

// BenchmarkWriteTo writes 24 MiB of models to a file, and hashes them, beside the
// same in one goroutine.
func BenchmarkWriteTo(b *testing.B) {
	const models, size = 8, 3 << 20
	dir := b.TempDir()
	for i := range models {
		content := make([]byte, size)
		rand.NewChaCha8([32]byte{byte(i)}).Read(content)
		write(b, filepath.Join(dir, "src", fmt.Sprintf("m%d.bin", i)), string(content))
	}
	im, err := Build(b.Context(), options(b, filepath.Join(dir, "src")))
	if err != nil {
		b.Fatal(err)
	}
	for name, writeTo := range map[string]func(io.Writer) (int64, error){
		"pipelined":     im.WriteTo,
		"one_goroutine": func(w io.Writer) (int64, error) { return im.Plan.WriteTo(io.MultiWriter(sha256.New(), w)) },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(models * size)
			for b.Loop() {
				f, err := os.Create(filepath.Join(dir, "image"))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := writeTo(f); err != nil {
					b.Fatal(err)
				}
				if err := f.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

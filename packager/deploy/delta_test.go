//go:build linux

package deploy

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"rules_romfs/packager/deploy/deploytest"
)

// carryOut does to flash what a plan says, as a board would.
func carryOut(t testing.TB, flash, image []byte, groups []*group) {
	t.Helper()
	for _, g := range groups {
		buffer := make([]byte, 0, g.end-g.off)
		for _, p := range g.pieces {
			if p.dst != g.off+int64(len(buffer)) {
				t.Fatalf("group at %d: a piece for %d comes at %d", g.off, p.dst, g.off+int64(len(buffer)))
			}
			if p.src < 0 {
				buffer = append(buffer, image[p.dst:p.dst+p.n]...)
			} else {
				buffer = append(buffer, flash[p.src:p.src+p.n]...)
			}
		}
		copy(flash[g.off:], buffer)
	}
}

// rebuilt plans the change from old to image in blocks, carries it out, and
// returns how many bytes are literal.
func rebuilt(t testing.TB, old, image []byte, block int64) (literal int64) {
	t.Helper()
	n := int64(len(image))
	flash := slices.Concat(old, bytes.Repeat([]byte{0xff}, max(0, len(image)-len(old))))
	x := newIndex(contents{bytes.Clone(flash), []span{{3, int64(len(old))}}})
	var groups []*group
	for off := int64(0); off < n; off += block {
		end := min(off+block, n)
		groups = append(groups, &group{off: off, len: block, end: end, pieces: x.pieces(image, off, end)})
	}
	groups = order(groups)
	for _, g := range groups {
		literal += g.literal()
	}
	carryOut(t, flash, image, groups)
	if !bytes.Equal(flash[:n], image) {
		t.Fatal("the plan makes another image")
	}
	return literal
}

func TestPlanOfGrowth(t *testing.T) {
	t.Parallel()
	old, grown := benchImage(t, 0, 0), benchImage(t, 10, 0)
	if n := rebuilt(t, old, grown, 4096); n > 1000 {
		t.Errorf("grown by 10 bytes: %d literal bytes", n)
	}
	if n := rebuilt(t, grown, old, 4096); n > 1000 {
		t.Errorf("shrunk by 10 bytes: %d literal bytes", n)
	}
}

// TestPlanOfAnyChange cuts, repeats and shuffles pieces of the old image.
func TestPlanOfAnyChange(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		old := deploytest.Random(r.Uint64(), 1+r.IntN(20_000))
		var image []byte
		for range 1 + r.IntN(8) {
			from := r.IntN(len(old))
			image = append(image, old[from:from+r.IntN(len(old)-from)]...)
			image = append(image, deploytest.Random(r.Uint64(), r.IntN(300))...)
		}
		rebuilt(t, old, append(image, 1), 512)
	}
}

package simboard

import (
	"fmt"
	"math/rand/v2"
)

// A disturber spoils bytes on their way, as its seed says: the nth byte meets
// the same fate in every run.
type disturber struct {
	Disturbance
	noise int
	rand  *rand.Rand
	lines int
}

// pass returns what arrives of data.
func (d *disturber) pass(data []byte) []byte {
	if d.Disturbance == (Disturbance{}) && d.noise == 0 {
		return data
	}
	out := make([]byte, 0, len(data)+64)
	for _, c := range data {
		if d.hit(d.noise) {
			d.lines++
			out = fmt.Appendf(out, "W (%d) wifi: noise from another core\r\n", d.lines)
		}
		if d.hit(d.Lose) {
			continue
		}
		if d.hit(d.Flip) {
			c ^= 1 << d.rand.IntN(8)
		}
		out = append(out, c)
		if d.hit(d.Double) {
			out = append(out, c)
		}
	}
	return out
}

// hit is true about once in n calls.
func (d *disturber) hit(n int) bool { return n > 0 && d.rand.IntN(n) == 0 }

package pow2

import "testing"

func TestPow2(t *testing.T) {
	for _, c := range []struct {
		n, of, below int64
		is           bool
	}{
		{1, 1, 1, true}, {2, 2, 2, true}, {3, 1, 2, false}, {6, 2, 4, false}, {12, 4, 8, false}, {4096, 4096, 4096, true}, {1<<40 + 32, 32, 1 << 40, false},
	} {
		if Is(c.n) != c.is || Of(c.n) != c.of || Below(c.n) != c.below {
			t.Errorf("%d: Is %v, Of %d, Below %d; want %+v", c.n, Is(c.n), Of(c.n), Below(c.n), c)
		}
	}
	for _, n := range []int64{0, -1, -8} {
		if Is(n) {
			t.Errorf("%d is a power of two", n)
		}
	}
	if Of(0) != 0 {
		t.Errorf("Of(0) = %d", Of(0))
	}
}

// Package pow2 is the arithmetic of alignments, which are powers of two.
package pow2

import "math/bits"

// Is reports whether n is a power of two, from 1.
func Is(n int64) bool { return n > 0 && n&(n-1) == 0 }

// Of returns the largest power of two that divides n; 0 for 0, which all do.
func Of(n int64) int64 { return n & -n }

// Below returns the largest power of two up to n, which is at least 1.
func Below(n int64) int64 { return 1 << (bits.Len64(uint64(n)) - 1) }

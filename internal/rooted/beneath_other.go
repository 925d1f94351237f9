//go:build !linux

package rooted

// beneath is of Linux alone.
func beneath(_, _ string) (fd int, ok bool) { return 0, false }

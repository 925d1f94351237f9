//go:build !linux

package port

import "io"

// acquire takes the lock called key.
func acquire(key string) (io.Closer, error) { return acquireFile(key) }

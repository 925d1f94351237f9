// Package flash knows how ROM partitions are erased and written, and in which
// order an image is put into one so that no cut of power, at whatever moment of
// whatever operation, leaves an image that mounts but is not whole.
//
// A [Way] is such an order, one small file each: how the old image is made
// unmountable, how many first bytes of the new one are left out until the rest
// is there and verified, what the last write programs, and what a board may
// mount if that very write is torn. Which way a port takes, and its units, is
// one row of the table in ports.go. Nothing here talks to a board.
package flash

import (
	"bytes"

	"rules_romfs/packager/romfs"
)

// magicSize is the length of the magic. Without it the driver mounts nothing.
const magicSize = int64(len(romfs.Magic))

// A Way is an order of writing.
type Way interface {
	// Name says what is written this way.
	Name() string
	// Invalidate returns the bytes to program at offset 0 so that the image that
	// begins with head, one unit, no longer mounts, or nil where only an erase
	// can do that.
	Invalidate(head []byte) []byte
	// Hole is what the image begins with until the commit.
	Hole() Hole
	// Commit returns the bytes to program at offset 0 to commit image.
	Commit(image []byte) []byte
	// Tears is how many first bytes of the image a cut of power within the commit
	// may leave in any state; 0 if only those of the magic.
	Tears() int64
}

// A Hole is the image's beginning before the commit.
type Hole struct {
	Size   int64
	Fill   byte // of which it consists
	Virgin bool // it must not be programmed before the commit
}

// Before returns what the first bytes of the partition are before the commit:
// the image's, with the hole.
func Before(w Way, image []byte) []byte {
	h, b := w.Hole(), bytes.Clone(image)
	for i := range min(h.Size, int64(len(b))) {
		b[i] = h.Fill
	}
	return b
}

// Invalidated returns what an image is after Invalidate.
func Invalidated(w Way, image []byte) []byte {
	b := bytes.Clone(image)
	copy(b, w.Invalidate(image))
	return b
}

// first returns the first n bytes of image, with erased cells behind it.
func first(image []byte, n int64) []byte {
	b := bytes.Repeat([]byte{0xff}, int(n))
	copy(b, image)
	return b
}

// withoutMagic returns head with zeros for the magic. Only the magic changes: a
// length that lost bits before the magic does would make another image of it.
func withoutMagic(head []byte) []byte {
	b := bytes.Clone(head)
	copy(b, make([]byte, min(magicSize, int64(len(b)))))
	return b
}

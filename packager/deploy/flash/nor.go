package flash

// NOR is flash of which programming clears bits, byte by byte if need be, and
// leaves bytes programmed as 0xff as they were: serial NOR, and internal flash
// without ECC.
//
// Until the commit the magic is ff ff ff; the commit programs it, and around it
// what is there already, which stays as it is. Torn bit by bit, the magic is not
// complete, so nothing mounts.
type NOR struct{ Unit int64 }

// Name implements [Way].
func (NOR) Name() string { return "NOR flash" }

// Invalidate implements [Way].
func (NOR) Invalidate(head []byte) []byte { return withoutMagic(head) }

// Hole implements [Way].
func (NOR) Hole() Hole { return Hole{Size: magicSize, Fill: 0xff} }

// Commit implements [Way].
func (w NOR) Commit(image []byte) []byte { return first(image, w.Unit) }

// Tears implements [Way].
func (NOR) Tears() int64 { return 0 }

package flash

// Overwritten is memory whose cells take any value at any time, without an
// erase: MRAM, and the RAM of emulated machines.
//
// Until the commit the magic is 00 00 00; the commit writes the whole unit, of
// which only the magic changes.
type Overwritten struct{ Unit int64 }

// Name implements [Way].
func (Overwritten) Name() string { return "memory written in place" }

// Invalidate implements [Way].
func (Overwritten) Invalidate(head []byte) []byte { return withoutMagic(head) }

// Hole implements [Way].
func (Overwritten) Hole() Hole { return Hole{Size: magicSize} }

// Commit implements [Way].
func (w Overwritten) Commit(image []byte) []byte { return first(image, w.Unit) }

// Tears implements [Way].
func (Overwritten) Tears() int64 { return 0 }

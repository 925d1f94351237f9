package flash

// Rewritten is NOR flash that the port writes by reading the block around,
// erasing it, and programming all of it again from its first byte on: samd.
//
// Nothing needs an erase of its own, and the magic is written last as on NOR. But
// with that the first block is erased and programmed once more, the magic first;
// torn, it has the magic and not the rest. So nothing but the header may be in
// that block: a length so wide that what the cut leaves of it does not count. The
// image must have it; romfs.TornCommit tells.
type Rewritten struct {
	Unit  int64
	Block int64 // bytes that one write erases and programs
}

// Name implements [Way].
func (Rewritten) Name() string { return "flash of which a write rewrites a whole block" }

// Invalidate implements [Way].
func (Rewritten) Invalidate(head []byte) []byte { return withoutMagic(head) }

// Hole implements [Way].
func (Rewritten) Hole() Hole { return Hole{Size: magicSize, Fill: 0xff} }

// Commit implements [Way].
func (w Rewritten) Commit(image []byte) []byte { return first(image, w.Unit) }

// Tears implements [Way].
func (w Rewritten) Tears() int64 { return w.Block }

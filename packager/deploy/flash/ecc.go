package flash

// ECC is flash whose words can be programmed once between erases.
//
// Until the commit the whole first word is erased, because its one programming
// must hold all of it: the magic, the length, and what else fits. Here the image
// must help; romfs.TornCommit tells whether it does. Only an erase takes an old
// image away.
type ECC struct{ Unit int64 }

// Name implements [Way].
func (ECC) Name() string { return "flash whose words are programmed once" }

// Invalidate implements [Way].
func (ECC) Invalidate([]byte) []byte { return nil }

// Hole implements [Way].
func (w ECC) Hole() Hole { return Hole{Size: w.Unit, Fill: 0xff, Virgin: true} }

// Commit implements [Way].
func (w ECC) Commit(image []byte) []byte { return first(image, w.Unit) }

// Tears implements [Way].
func (w ECC) Tears() int64 { return w.Unit }

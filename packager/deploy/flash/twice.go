package flash

// Twice is NOR flash of which a word may be programmed two times between erases:
// nRF. The hole and the commit are those of NOR, and use both up. So only an
// erase takes an old image away: the first block is the first that is written.
type Twice struct{ NOR }

// Name implements [Way].
func (Twice) Name() string { return "NOR flash whose words are programmed twice at most" }

// Invalidate implements [Way].
func (Twice) Invalidate([]byte) []byte { return nil }

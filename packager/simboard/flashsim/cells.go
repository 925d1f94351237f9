// Package flashsim is flash memory as the cells of a chip are: what an erase and
// a program do to them, what a power cut leaves of either, and the record of
// both that such a cut can be replayed from. It knows no firmware and no system;
// package drivers is what ports of MicroPython do with it.
package flashsim

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
)

// Cells are what a kind of memory does when it is programmed.
type Cells struct {
	Overwrite bool  // a program replaces what was there, ones too: MRAM, RAM
	Page      int64 // bytes that one operation programs at most; addresses wrap inside
	Word      int64 // the piece of a page that is programmed, and torn, as one
	Times     int   // how often a word may be programmed between two erases; 0: as often as its bits allow
	Refuses   bool  // a word that is programmed once more stays as it is, and the operation fails
	Encrypted bool  // a word is stored as a cipher's block: erased, or programmed twice, it reads as noise
}

// The kinds of memory that boards have.
var (
	// NOR is serial flash: a program clears bits, in pages that can tear anywhere.
	NOR = Cells{Page: 256, Word: 4}
	// MRAM has no erase: words of 16 bytes are overwritten in place.
	MRAM = Cells{Overwrite: true, Page: 16, Word: 16}
	// RAM is what emulated machines have.
	RAM = Cells{Overwrite: true, Page: 256, Word: 4}
)

// ECC is internal flash in words with a checksum of their own, each of which is
// programmed once between two erases; another program spoils it.
func ECC(word int64) Cells { return Cells{Page: word, Word: word, Times: 1} }

// Guarded is ECC of a chip that refuses to program a word again.
func Guarded(word int64) Cells { return Cells{Page: word, Word: word, Times: 1, Refuses: true} }

// blank is what erased cells at an offset read as.
func (c *Cells) blank(mem []byte, offset int64) {
	for i := range mem {
		mem[i] = 0xff
	}
	if c.Encrypted {
		for at := int64(0); at < int64(len(mem)); at += c.Word {
			noise(mem[at:min(at+c.Word, int64(len(mem)))], uint64(offset+at), nil)
		}
	}
}

// isBlank says whether a word reads as erased cells do.
func (c *Cells) isBlank(word []byte, offset int64) bool {
	want := make([]byte, len(word))
	c.blank(want, offset)
	return bytes.Equal(word, want)
}

// put programs bytes of a word that begins at offset: whole, or the bits of mask.
func (c *Cells) put(old, data, mask byte) byte {
	if !c.Overwrite && !c.Encrypted {
		data &= old // a program never sets a bit
	}
	return old&^mask | data&mask
}

// noise fills b with what looks like chance, and is the same each time for the
// same place and contents.
func noise(b []byte, place uint64, contents []byte) {
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], place)
	for i, c := range contents {
		seed[8+i%24] = seed[8+i%24]*31 + c
	}
	rand.NewChaCha8(seed).Read(b)
}

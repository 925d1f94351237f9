package flashsim

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// A StepKind is what one flash step does.
type StepKind int

// The kinds of flash steps.
const (
	Erase   StepKind = iota // one erase block
	Program                 // one page at most
)

func (k StepKind) String() string { return [...]string{"erase", "program"}[k] }

// A Step is one physical flash operation, the smallest that a power cut can
// fall between. Longer operations are sequences of steps.
type Step struct {
	Kind      StepKind
	Partition int
	Offset    int64  // from the start of the flash
	Size      int64  // bytes erased or programmed
	Data      []byte // Program: the bytes, as the driver asked for them
	Cells     Cells
	Again     []int64 // Program: words, from Offset, that were programmed as often as they may be
}

// A Cut says where in a sequence of steps the power goes off.
type Cut struct {
	Step  int    // so many steps are done whole; the next is the one cut
	Bytes int64  // bytes of that step that are done whole, ascending
	Bits  int    // program: so many bits of the bytes behind those are done too, lowest first
	Seed  uint64 // if not 0: bits that the cut leaves undefined are drawn from it: those of the word being programmed, or of the block being erased
}

func (c Cut) String() string {
	return fmt.Sprintf("step %d + %d bytes + %d bits, seed %d", c.Step, c.Bytes, c.Bits, c.Seed)
}

// apply does the whole step.
func (s *Step) apply(mem []byte) {
	s.applyTo(mem, s.Size)
	for _, word := range s.Again {
		s.spoil(mem[s.Offset+word : s.Offset+min(word+s.Cells.Word, s.Size)])
	}
}

// applyTo does the first n bytes of the step.
func (s *Step) applyTo(mem []byte, n int64) {
	dst := mem[s.Offset : s.Offset+n]
	if s.Kind == Erase {
		s.Cells.blank(dst, s.Offset)
		return
	}
	for i := range dst {
		dst[i] = s.Cells.put(dst[i], s.Data[i], 0xff)
	}
}

// spoil leaves a word that was programmed once too often: a checksum that
// matches neither contents makes it read as none of the two, and the blocks of
// a cipher become noise.
func (s *Step) spoil(word []byte) {
	if s.Cells.Encrypted {
		noise(word, 2, slices.Clone(word))
		return
	}
	var bit [2]byte
	noise(bit[:], uint64(s.Offset), s.Data)
	word[int(bit[0])%len(word)] ^= 1 << (bit[1] % 8)
}

// tear does the part of the step that was done when the power went.
func (s *Step) tear(mem []byte, c Cut) {
	if s.Kind == Program && s.Cells.Encrypted {
		s.tearCipher(mem, c)
		return
	}
	done := min(c.Bytes, s.Size)
	if c.Seed != 0 && s.Kind == Program && done < s.Size {
		done = max(0, done-(s.Offset+done)%s.Cells.Word) // the word that is torn is torn as a whole
	}
	s.applyTo(mem, done)
	rest := mem[s.Offset+done : s.Offset+s.Size]
	switch {
	case len(rest) == 0:
	case s.Kind == Erase:
		if c.Seed != 0 {
			tearErase(rest, c.Seed)
		}
	case c.Seed != 0:
		r := rand.New(rand.NewPCG(c.Seed, uint64(s.Offset+done)))
		for i := range min(int64(len(rest)), s.Cells.Word) {
			rest[i] = s.Cells.put(rest[i], s.Data[done+i], byte(r.Uint32()))
		}
	default:
		for bit := range min(c.Bits, len(rest)*8) {
			rest[bit/8] = s.Cells.put(rest[bit/8], s.Data[done+int64(bit/8)], 1<<(bit%8))
		}
	}
}

// tearCipher leaves words whole, untouched, or, the one in between, as noise:
// one bit of a cipher's block that is wrong makes all of it wrong.
func (s *Step) tearCipher(mem []byte, c Cut) {
	done := min(c.Bytes, s.Size)
	whole := done - done%s.Cells.Word
	s.applyTo(mem, whole)
	if whole < s.Size && (done > whole || c.Bits > 0 || c.Seed != 0) {
		word := mem[s.Offset+whole : s.Offset+min(whole+s.Cells.Word, s.Size)]
		noise(word, uint64(c.Bits)<<48^c.Seed^uint64(c.Bytes)<<32, slices.Clone(word))
	}
}

// tearErase leaves what an interrupted erase may leave: cells somewhere on
// their way from the old value, through all programmed, to all erased. The
// seed picks one of these states as well as the bits.
func tearErase(b []byte, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0xe7a5e))
	state := seed % 4
	for i := range b {
		noise := byte(r.Uint32())
		switch state {
		case 0: // erasing: zeros turn to ones here and there
			b[i] |= noise
		case 1: // pre-programming before the erase: ones turn to zeros
			b[i] &= noise
		case 2: // anything
			b[i] = noise
		case 3: // all erased but for a few weak cells
			b[i] = 0xff
			if noise == 0 {
				b[i] = byte(r.Uint32())
			}
		}
	}
}

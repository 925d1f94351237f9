package simboard

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
)

// pageSize is what a NOR chip programs at once; a page can tear at any byte.
const pageSize = 256

// A StepKind is what one flash step does.
type StepKind int

// The kinds of flash steps.
const (
	Erase   StepKind = iota // one erase block to 0xff
	Program                 // one page, or one write unit where the medium has no pages
)

func (k StepKind) String() string { return [...]string{"erase", "program"}[k] }

// A Step is one physical flash operation, the smallest that a power cut can
// fall between. Longer operations are sequences of steps, in ascending order.
type Step struct {
	Kind      StepKind
	Partition int
	Offset    int64  // from the start of the flash file
	Size      int64  // bytes erased or programmed
	Data      []byte // Program: the bytes, as the driver asked for them
	Medium    Medium
	Unit      int64 // Program: the piece that the medium programs at once
}

// A Cut says where the power goes off.
type Cut struct {
	Step  int    // this many steps are done whole; the next is the one cut
	Bytes int64  // bytes of that step that are done whole, ascending
	Bits  int    // Program: bits of the following byte(s) that also took, of those in the same unit
	Seed  uint64 // if not 0: the unit being programmed, or the block being erased, has undefined bits drawn from it
}

func (c Cut) String() string {
	return fmt.Sprintf("step %d + %d bytes + %d bits, seed %d", c.Step, c.Bytes, c.Bits, c.Seed)
}

// apply does a step on flash memory, whole.
func (s *Step) apply(mem []byte) {
	s.applyTo(mem, s.Size)
}

func (s *Step) applyTo(mem []byte, n int64) {
	dst := mem[s.Offset : s.Offset+n]
	switch {
	case s.Kind == Erase:
		for i := range dst {
			dst[i] = 0xff
		}
	case s.Medium.overwrites():
		copy(dst, s.Data)
	default:
		for i := range dst {
			dst[i] &= s.Data[i]
		}
	}
}

// tear does the part of a step that was done when the power went.
func (s *Step) tear(mem []byte, c Cut) {
	done := min(c.Bytes, s.Size)
	if c.Seed != 0 && s.Kind == Program {
		done -= done % s.Unit
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
		r := rand.New(rand.NewPCG(c.Seed, uint64(s.Offset)))
		for i := range min(int64(len(rest)), s.Unit) {
			rest[i] = mergeBits(rest[i], s.Data[done+i], byte(r.Uint32()))
		}
	default:
		for bit := range min(c.Bits, len(rest)*8) {
			i := int64(bit / 8)
			next := s.Data[done+i]
			if !s.Medium.overwrites() {
				next &= rest[i]
			}
			rest[i] = mergeBits(rest[i], next, 1<<(bit%8))
		}
	}
}

// mergeBits takes the bits of mask from next and the others from old. A
// program that was cut never sets a bit, so that next is old&data on NOR.
func mergeBits(old, next, mask byte) byte { return old&^mask | next&mask }

// tearErase leaves what an interrupted erase may leave: cells somewhere on
// their way from the old value, through all programmed, to all erased. The
// seed picks one of these states as well as the bits.
func tearErase(b []byte, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0x0e7a5e))
	state := seed % 4
	for i := range b {
		noise := byte(r.Uint32())
		switch state {
		case 0: // erasing: old ones stay, zeros turn to ones here and there
			b[i] |= noise
		case 1: // pre-programming before the erase: ones turn to zeros
			b[i] &= noise
		case 2: // anything
			b[i] = noise
		case 3: // nearly done: ones but for a few weak cells
			b[i] = 0xff
			if noise == 0 {
				b[i] = byte(r.Uint32())
			}
		}
	}
}

// Stats counts what happened to a board since Start.
type Stats struct {
	Erases         int   // erase blocks erased
	ErasedBytes    int64 // bytes in them
	Programs       int   // program steps
	ProgramBytes   int64 // bytes in them
	Violations     []string
	HostToBoard    int64 // bytes that the host sent
	BoardToHost    int64 // bytes that the board sent
	Turnarounds    int   // times that the board answered after the host had sent
	LostBytes      int64 // bytes that the ring had no room for, or that faults took away
	Boots          int   // interpreter starts, the first included
	Crashes        int   // interpreters that ended by themselves
	WatchdogResets int
}

// errCut is what a flash step returns when the power went off inside it.
var errCut = errors.New("power cut")

// flash is the board's flash memory: a file, mapped, that both the
// interpreter (read-only) and this process see.
type flash struct {
	mu     sync.Mutex
	file   *os.File
	mem    []byte
	layout []place
	once   map[int64]bool // units of Medium ECC that are programmed
	steps  int            // done since the last power-on
	log    *FlashLog      // nil: off
	cut    *Cut
	stats  *Stats
	before func(Step) // called before each step, for timing
}

// A place is a partition and where it lies in the flash file.
type place struct {
	Partition
	offset int64
}

// layOut puts the partitions behind each other, each on a page of the host so that it can be mapped.
func layOut(parts []Partition) (places []place, size int64) {
	const hostPage = 1 << 16
	for _, p := range parts {
		places = append(places, place{p, size})
		size += (p.Size + hostPage - 1) / hostPage * hostPage
	}
	return places, size
}

// erase erases the blocks that [off, off+n) of a partition touches.
func (f *flash) erase(part int, off, n int64) error {
	p := f.layout[part]
	first, last := off/p.Erase, (off+n+p.Erase-1)/p.Erase
	for b := first; b < last; b++ {
		at := b * p.Erase
		s := Step{Kind: Erase, Partition: part, Offset: p.offset + at, Size: min(p.Erase, p.Size-at), Medium: p.Medium, Unit: p.Write}
		if err := f.do(s); err != nil {
			return err
		}
	}
	return nil
}

// program writes data to a partition in steps of what the medium takes at once.
func (f *flash) program(part int, off int64, data []byte) error {
	p := f.layout[part]
	step := int64(pageSize)
	if p.Medium != NOR {
		step = p.Write
	}
	var failed error
	for len(data) > 0 {
		n := min(step-off%step, int64(len(data)))
		s := Step{Kind: Program, Partition: part, Offset: p.offset + off, Size: n, Data: append([]byte(nil), data[:n]...), Medium: p.Medium, Unit: p.Write}
		if err := f.do(s); err != nil {
			if errors.Is(err, errCut) {
				return err
			}
			failed = err
		}
		off, data = off+n, data[n:]
	}
	return failed
}

// do performs one step, or the part of it before the power cut.
func (f *flash) do(s Step) error {
	if f.before != nil {
		f.before(s)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.log != nil {
		f.log.Steps = append(f.log.Steps, s)
	}
	if f.cut != nil && f.steps >= f.cut.Step {
		s.tear(f.mem, *f.cut)
		f.cut = nil
		return errCut
	}
	f.steps++
	var err error
	if s.Kind == Erase {
		f.stats.Erases++
		f.stats.ErasedBytes += s.Size
		for u := s.Offset; u < s.Offset+s.Size && s.Medium == ECC; u += s.Unit {
			delete(f.once, u)
		}
	} else {
		f.stats.Programs++
		f.stats.ProgramBytes += s.Size
		err = f.checkProgram(s)
	}
	s.apply(f.mem)
	return err
}

// checkProgram notes what a careful driver never does, and fails where the medium does.
func (f *flash) checkProgram(s Step) error {
	switch s.Medium {
	case ECC:
		unit := s.Offset - s.Offset%s.Unit
		if f.once[unit] {
			f.violation("unit at %#x of partition %d programmed twice", unit-f.layout[s.Partition].offset, s.Partition)
			return errTwice
		}
		f.once[unit] = true
	case NOR:
		for i, b := range s.Data {
			if old := f.mem[s.Offset+int64(i)]; old&b != b {
				f.violation("byte at %#x of partition %d programmed from %#02x to %#02x without an erase",
					s.Offset+int64(i)-f.layout[s.Partition].offset, s.Partition, old, b)
				break
			}
		}
	}
	return nil
}

var errTwice = errors.New("unit programmed twice")

func (f *flash) violation(format string, args ...any) {
	if len(f.stats.Violations) < 100 {
		f.stats.Violations = append(f.stats.Violations, fmt.Sprintf(format, args...))
	}
}

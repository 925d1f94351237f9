package simboard

import (
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"time"
)

// pageSize is what a NOR chip programs at once; a page can tear at any byte.
const pageSize = 256

// guardSize is what lies behind each partition in the flash file, up to the
// next multiple of it: where drivers without range checks do their damage.
const guardSize = 64 << 10

// guardByte fills it.
const guardByte = 0xa5

var (
	errCut = errors.New("power cut") // the power went off inside a flash step
)

// flash is the board's flash memory: a file, mapped, that this process writes
// and the interpreter reads.
type flash struct {
	mu     sync.Mutex
	file   *os.File
	mem    []byte
	layout []place
	faults *Faults
	rand   *rand.Rand
	used   map[int64]bool // offsets of ECC write units programmed since their erase
	weak   map[int64]bool // offsets of pages in weak blocks that were programmed once
	steps  int            // done since the cut was armed
	cut    *Cut
	log    *FlashLog // nil: not recording
	stats  *Stats
}

// A place is a partition and where it lies in the flash file.
type place struct {
	Partition
	offset int64
}

// layOut puts the partitions behind each other, each followed by a guard and
// at an offset that can be mapped.
func layOut(parts []Partition) (places []place, size int64) {
	for _, p := range parts {
		places = append(places, place{p, size})
		size += (p.Size/guardSize + 1) * guardSize
		if p.Size%guardSize != 0 {
			size += guardSize
		}
	}
	return places, size
}

// end is where the partition's guard ends.
func (f *flash) end(part int) int64 {
	if part+1 < len(f.layout) {
		return f.layout[part+1].offset
	}
	return int64(len(f.mem))
}

// erase erases the blocks that [off, off+n) of a partition touches. busy is
// called before each, to take its time.
func (f *flash) erase(part int, off, n int64, busy func(time.Duration) error) error {
	p := f.layout[part]
	for at := off - off%p.Erase; at < off+n; at += p.Erase {
		size := min(p.Erase, f.end(part)-p.offset-at)
		if size <= 0 {
			return nil
		}
		if !f.noRange(part) {
			size = min(size, p.Size-at)
		}
		if err := busy(f.faults.EraseTime); err != nil {
			return err
		}
		if err := f.do(Step{Kind: Erase, Partition: part, Offset: p.offset + at, Size: size, Medium: p.Medium, Unit: p.Write}); err != nil {
			return err
		}
	}
	return nil
}

// program writes data in steps of what the medium takes at once.
func (f *flash) program(part int, off int64, data []byte, busy func(time.Duration) error) error {
	p := f.layout[part]
	step := int64(pageSize)
	if p.Medium != NOR {
		step = p.Write
	}
	data = data[:min(int64(len(data)), max(0, f.end(part)-p.offset-off))]
	for len(data) > 0 {
		n := min(step-off%step, int64(len(data)))
		if err := busy(f.faults.ProgramTime); err != nil {
			return err
		}
		s := Step{Kind: Program, Partition: part, Offset: p.offset + off, Size: n, Data: slices.Clone(data[:n]), Medium: p.Medium, Unit: p.Write}
		if err := f.do(s); err != nil {
			return err
		}
		off, data = off+n, data[n:]
	}
	return nil
}

func (f *flash) noRange(part int) bool { return f.faults.NoRange || f.layout[part].NoRange }

// do performs one step, or the part of it before the power cut.
func (f *flash) do(s Step) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.layout[s.Partition]
	if end := s.Offset + s.Size; end > p.offset+p.Size {
		f.stats.violation("%s of %d bytes behind the end of partition %d", s.Kind, end-max(s.Offset, p.offset+p.Size), s.Partition)
	}
	if s.Kind == Program {
		f.spoil(&s)
	}
	if f.log != nil {
		f.log.Steps = append(f.log.Steps, s)
	}
	if f.cut != nil && f.steps == f.cut.Step {
		s.tear(f.mem, *f.cut)
		f.cut = nil
		return errCut
	}
	f.steps++
	if s.Kind == Erase {
		f.stats.Erases++
		f.stats.ErasedBytes += s.Size
	} else {
		f.stats.Programs++
		f.stats.ProgramBytes += s.Size
		f.checkErased(&s)
	}
	f.track(&s)
	s.apply(f.mem)
	return nil
}

// track keeps account of the ECC units that are used up. A unit that is
// programmed twice is left with an ECC that does not match: it reads as
// neither of the two.
func (f *flash) track(s *Step) {
	if s.Medium != ECC {
		return
	}
	for u := s.Offset - s.Offset%s.Unit; u < s.Offset+s.Size; u += s.Unit {
		switch {
		case s.Kind == Erase:
			delete(f.used, u)
		case f.used[u]:
			f.stats.violation("unit at %#x of partition %d programmed twice", u-f.layout[s.Partition].offset, s.Partition)
			f.mem[u+f.rand.Int64N(s.Unit)] ^= 1 << f.rand.IntN(8)
		default:
			f.used[u] = true
		}
	}
}

// checkErased notes a program that asks for ones where the flash has zeros.
func (f *flash) checkErased(s *Step) {
	if s.Medium != NOR {
		return
	}
	for i, b := range s.Data {
		if old := f.mem[s.Offset+int64(i)]; old&b != b {
			f.stats.violation("byte at %#x of partition %d programmed from %#02x to %#02x without an erase",
				s.Offset+int64(i)-f.layout[s.Partition].offset, s.Partition, old, b)
			return
		}
	}
}

// spoil lets bad and weak blocks lose a bit of what is programmed: one in each
// page, chosen by its place.
func (f *flash) spoil(s *Step) {
	p := f.layout[s.Partition]
	block := int((s.Offset - p.offset) / p.Erase)
	page := s.Offset - s.Offset%pageSize
	bad := slices.Contains(f.faults.BadBlock, block)
	if slices.Contains(f.faults.WeakBlock, block) && !f.weak[page] {
		f.weak[page] = true
		bad = true
	}
	if !bad {
		return
	}
	for i := range s.Data {
		if s.Data[i] != 0xff {
			s.Data[i] |= ^s.Data[i] & -^s.Data[i] // the lowest bit that should become 0 stays 1
			return
		}
	}
}

// harm notes damage outside the flash that is modelled.
func (f *flash) harm(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stats.violation(format, args...)
}

// contents returns a copy of a partition; nil once the flash is closed.
func (f *flash) contents(part int) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mem == nil {
		return nil
	}
	p := f.layout[part]
	return slices.Clone(f.mem[p.offset : p.offset+p.Size])
}

// load replaces the start of a partition, and erases the rest.
func (f *flash) load(part int, data []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.layout[part]
	mem := f.mem[p.offset : p.offset+p.Size]
	for i := copy(mem, data); i < len(mem); i++ {
		mem[i] = 0xff
	}
	f.scan()
}

// scan finds out which ECC units are used, from what they hold.
func (f *flash) scan() {
	f.used, f.weak = map[int64]bool{}, map[int64]bool{}
	for _, p := range f.layout {
		for u := p.offset; p.Medium == ECC && u < p.offset+p.Size; u += p.Write {
			f.used[u] = slices.ContainsFunc(f.mem[u:u+p.Write], func(c byte) bool { return c != 0xff })
		}
	}
}

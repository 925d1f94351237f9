package flashsim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// guardSize is what lies behind each partition, up to the next multiple of it:
// where drivers without range checks do their damage.
const guardSize = 64 << 10

// guardByte fills it.
const guardByte = 0xa5

var (
	ErrCut     = errors.New("power cut")                                // the power went off inside a step
	ErrRefused = errors.New("the chip refuses to program a word again") // nothing was programmed
)

// A Place is a partition and where it lies in the flash.
type Place struct {
	Offset int64
	Size   int64
	Erase  int64 // bytes of an erase block
	Cells  Cells
}

// LayOut gives places their offsets: behind each other, each followed by a
// guard, and where it can be mapped. size is that of the whole flash.
func LayOut(places []Place) (size int64) {
	for i := range places {
		places[i].Offset = size
		size += (places[i].Size/guardSize + 1) * guardSize
		if places[i].Size%guardSize != 0 {
			size += guardSize
		}
	}
	return size
}

// Blank makes mem the flash as it comes from the factory.
func Blank(mem []byte, places []Place) {
	for i := range mem {
		mem[i] = guardByte
	}
	for _, p := range places {
		p.Cells.blank(mem[p.Offset:p.Offset+p.Size], p.Offset)
	}
}

// Habits are how a flash differs from a perfect one.
type Habits struct {
	EraseTime   time.Duration // of a block
	ProgramTime time.Duration // of a page
	BadBlock    []int         // erase blocks in which one bit of each page stays 1
	WeakBlock   []int         // the same, but only in the first program of each page
	Cut         *Cut          // the power goes off in a step
}

// Counts is what was done to a flash.
type Counts struct {
	Erases       int      `json:"erases"`        // erase blocks erased
	ErasedBytes  int64    `json:"erased_bytes"`  // bytes in them
	Programs     int      `json:"programs"`      // program steps: pages at most
	ProgramBytes int64    `json:"program_bytes"` // bytes in them
	Violations   []string `json:"violations"`    // what no careful driver asks of flash, the first hundred
}

func (c *Counts) violation(format string, args ...any) {
	if len(c.Violations) < 100 {
		c.Violations = append(c.Violations, fmt.Sprintf(format, args...))
	}
}

// Flash is a board's flash memory. Its methods may be called at once.
type Flash struct {
	mu     sync.Mutex
	mem    []byte
	places []Place
	habits Habits
	counts Counts
	used   map[int64]int  // by offset: how often a word with a limit was programmed since its erase
	weak   map[int64]bool // offsets of pages in weak blocks that were programmed once
	steps  int            // done since the cut was armed
	log    *Log           // nil: not recording

	// Wait takes time; an error ends the operation before it has begun. Nil
	// takes none.
	Wait func(time.Duration) error
}

// New is a flash in mem, which LayOut and Blank, or another Flash before, have
// made.
func New(mem []byte, places []Place, habits Habits) *Flash {
	f := &Flash{mem: mem, places: places, habits: habits}
	f.scan()
	return f
}

// Places are the flash's partitions.
func (f *Flash) Places() []Place { return f.places }

// end is where the partition's guard ends.
func (f *Flash) end(part int) int64 {
	if part+1 < len(f.places) {
		return f.places[part+1].Offset
	}
	return int64(len(f.mem))
}

// Erase erases the block of the partition's chip that off lies in.
func (f *Flash) Erase(part int, off int64) error {
	p := f.places[part]
	at := p.Offset + off - off%p.Erase
	size := min(p.Erase, f.end(part)-at)
	if p.Offset+p.Size > at {
		size = min(size, p.Offset+p.Size-at) // a last block that is cut short belongs to the partition alone
	}
	if off < 0 || size <= 0 {
		f.Harm("erase of the block at %d of partition %d, outside of it", off, part)
		return nil
	}
	return f.do(Step{Kind: Erase, Partition: part, Offset: at, Size: size, Cells: p.Cells}, f.habits.EraseTime)
}

// Program programs data, in one operation: what passes the end of the page goes
// on at its start, as in the chip.
func (f *Flash) Program(part int, off int64, data []byte) error {
	p := f.places[part]
	page := off - off%p.Cells.Page
	if off < 0 || p.Offset+page >= f.end(part) {
		f.Harm("program of %d bytes at %d of partition %d, outside of it", len(data), off, part)
		return nil
	}
	if n := int64(len(data)); off-page+n > p.Cells.Page {
		whole := slices.Repeat([]byte{0xff}, int(p.Cells.Page))
		for i, c := range data {
			whole[(off-page+int64(i))%p.Cells.Page] = c
		}
		off, data = page, whole
		f.Harm("program of %d bytes over the end of the page at %d of partition %d", n, page, part)
	}
	return f.do(Step{Kind: Program, Partition: part, Offset: p.Offset + off, Size: int64(len(data)), Data: slices.Clone(data), Cells: p.Cells}, f.habits.ProgramTime)
}

// Read returns what a partition holds; behind its guard there is nothing.
func (f *Flash) Read(part int, off, n int64) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	data := slices.Repeat([]byte{0xff}, int(n))
	if at := f.places[part].Offset + off; at >= 0 && at < int64(len(f.mem)) {
		copy(data, f.mem[at:])
	}
	return data
}

// do performs one step, or the part of it before the power cut.
func (f *Flash) do(s Step, takes time.Duration) error {
	if f.Wait != nil && takes > 0 {
		if err := f.Wait(takes); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.places[s.Partition]
	if end := s.Offset + s.Size; end > p.Offset+p.Size {
		f.counts.violation("%s of %d bytes behind the end of partition %d", s.Kind, end-max(s.Offset, p.Offset+p.Size), s.Partition)
	}
	if s.Kind == Program {
		if err := f.check(&s); err != nil {
			return err
		}
		f.wear(&s)
	}
	if f.log != nil {
		f.log.Steps = append(f.log.Steps, s)
	}
	if f.habits.Cut != nil && f.steps == f.habits.Cut.Step {
		s.tear(f.mem, *f.habits.Cut)
		f.habits.Cut = nil
		return ErrCut
	}
	f.steps++
	f.count(&s)
	s.apply(f.mem)
	return nil
}

// check notes a program that the cells do not bear, and marks the words that it
// spoils; it is an error where the chip refuses it.
func (f *Flash) check(s *Step) error {
	where := func(at int64) int64 { return at - f.places[s.Partition].Offset }
	if s.Cells.Times == 0 {
		for i, b := range s.Data {
			if old := f.mem[s.Offset+int64(i)]; !s.Cells.Overwrite && old&b != b {
				f.counts.violation("byte at %#x of partition %d programmed from %#02x to %#02x without an erase", where(s.Offset+int64(i)), s.Partition, old, b)
				return nil
			}
		}
		return nil
	}
	for at := s.Offset - s.Offset%s.Cells.Word; at < s.Offset+s.Size; at += s.Cells.Word {
		if f.used[at] < s.Cells.Times {
			continue
		}
		f.counts.violation("word at %#x of partition %d programmed more than %s between erases", where(at), s.Partition, times(s.Cells.Times))
		if s.Cells.Refuses {
			return ErrRefused
		}
		s.Again = append(s.Again, max(at, s.Offset)-s.Offset)
	}
	return nil
}

func times(n int) string { return [...]string{"never", "once", "twice"}[n] }

// count keeps account of the step.
func (f *Flash) count(s *Step) {
	if s.Kind == Erase {
		f.counts.Erases++
		f.counts.ErasedBytes += s.Size
	} else {
		f.counts.Programs++
		f.counts.ProgramBytes += s.Size
	}
	for at := s.Offset - s.Offset%s.Cells.Word; s.Cells.Times > 0 && at < s.Offset+s.Size; at += s.Cells.Word {
		if s.Kind == Erase {
			delete(f.used, at)
		} else {
			f.used[at]++
		}
	}
}

// wear lets bad and weak blocks lose a bit of what is programmed: one in each
// page, chosen by its place.
func (f *Flash) wear(s *Step) {
	p := f.places[s.Partition]
	block := int((s.Offset - p.Offset) / p.Erase)
	page := s.Offset - s.Offset%256
	bad := slices.Contains(f.habits.BadBlock, block)
	if slices.Contains(f.habits.WeakBlock, block) && !f.weak[page] {
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

// Harm notes damage outside the flash that is modelled, or an operation that
// does something other than its caller means.
func (f *Flash) Harm(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts.violation(format, args...)
}

// SetCut arms a power cut: the steps are counted from now on.
func (f *Flash) SetCut(c Cut) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.steps, f.habits.Cut = 0, &c
}

// Counts returns what was done so far; with restart, it starts afresh.
func (f *Flash) Counts(restart bool) Counts {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.counts
	c.Violations = append([]string{}, c.Violations...)
	if restart {
		f.counts = Counts{}
	}
	return c
}

// Contents returns a copy of a partition; nil once the flash is closed.
func (f *Flash) Contents(part int) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mem == nil {
		return nil
	}
	p := f.places[part]
	return slices.Clone(f.mem[p.Offset : p.Offset+p.Size])
}

// Load replaces the start of a partition, and erases the rest.
func (f *Flash) Load(part int, data []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.places[part]
	mem := f.mem[p.Offset : p.Offset+p.Size]
	p.Cells.blank(mem, p.Offset)
	copy(mem, data)
	f.scan()
}

// Close lets go of the memory: nothing reads it any more.
func (f *Flash) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mem = nil
}

// scan finds out which words are used, from what they hold.
func (f *Flash) scan() {
	f.used, f.weak = map[int64]int{}, map[int64]bool{}
	for _, p := range f.places {
		word := p.Cells.Word
		for at := p.Offset; p.Cells.Times > 0 && at < p.Offset+p.Size; at += word {
			if !p.Cells.isBlank(f.mem[at:at+word], at) {
				f.used[at] = 1
			}
		}
	}
}

// Random is chance that a seed decides, for what one part of a board does.
func Random(seed, part uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, part)) }

package flashsim

import "slices"

// A Log is what was done to a flash: the contents before, and each step in
// order. With it a test looks at what any power cut would have left, without
// doing the deploy again.
type Log struct {
	Before []byte // contents of the flash when the recording began
	Steps  []Step
	places []Place
}

// Record starts a log with the present contents.
func (f *Flash) Record() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = &Log{Before: slices.Clone(f.mem), places: f.places}
}

// Log returns what was recorded so far.
func (f *Flash) Log() *Log {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.log == nil {
		return &Log{places: f.places}
	}
	return &Log{Before: f.log.Before, Steps: slices.Clone(f.log.Steps), places: f.places}
}

// Partition returns where a partition lies in the flash file.
func (l *Log) Partition(id int) (offset, size int64) {
	return l.places[id].Offset, l.places[id].Size
}

// Cuts lists the power cuts that a sweep tries: before and after each step,
// inside each program (half of it done, and a word torn by seeds many
// seeds at its start, middle and end), and inside each erase (with seeds many
// patterns of undefined bits).
func (l *Log) Cuts(seeds int) []Cut {
	var cuts []Cut
	for i, s := range l.Steps {
		cuts = append(cuts, Cut{Step: i})
		if s.Kind == Program && s.Size > s.Cells.Word {
			cuts = append(cuts, Cut{Step: i, Bytes: s.Size / 2})
		}
		for seed := range uint64(seeds) {
			// Another seed for each step, so that a sweep meets many patterns;
			// the low bits go through the four states of an erase.
			c := Cut{Step: i, Seed: uint64(i+1)<<8 | seed%4 | seed>>2<<4}
			if s.Kind == Program {
				c.Bytes = []int64{0, s.Size / 2, max(0, s.Size-s.Cells.Word)}[seed%3]
			}
			cuts = append(cuts, c)
		}
	}
	return append(cuts, Cut{Step: len(l.Steps)})
}

// BitCuts lists the cuts inside one step of programming: after each byte, and
// after each bit of each byte.
func (l *Log) BitCuts(step int) []Cut {
	var cuts []Cut
	for n := range l.Steps[step].Size {
		for bit := range 8 {
			cuts = append(cuts, Cut{Step: step, Bytes: n, Bits: bit})
		}
	}
	return cuts
}

// Replay returns the contents of the flash as a cut leaves them.
func Replay(log *Log, c Cut) []byte { return NewReplayer(log, nil).At(c) }

// A Replayer goes through the cuts of a log. Cuts in ascending order of their
// steps cost no more than what the steps between them changed.
type Replayer struct {
	log  *Log
	mem  []byte
	done int    // steps that are applied whole
	torn []byte // what was at the step behind those before it was torn; nil: it was not
}

// NewReplayer keeps the flash in mem, such as a mapped file, which has the size
// of the log's; nil is memory of its own.
func NewReplayer(log *Log, mem []byte) *Replayer {
	if mem == nil {
		mem = make([]byte, len(log.Before))
	}
	copy(mem, log.Before)
	return &Replayer{log: log, mem: mem}
}

// At makes the flash what the cut leaves, and returns it; it is valid until
// the next call.
func (r *Replayer) At(c Cut) []byte {
	if r.torn != nil {
		copy(r.mem[r.log.Steps[r.done].Offset:], r.torn)
		r.torn = nil
	}
	if c.Step < r.done {
		copy(r.mem, r.log.Before)
		r.done = 0
	}
	for ; r.done < min(c.Step, len(r.log.Steps)); r.done++ {
		r.log.Steps[r.done].apply(r.mem)
	}
	if r.done < len(r.log.Steps) {
		s := &r.log.Steps[r.done]
		r.torn = slices.Clone(r.mem[s.Offset : s.Offset+s.Size])
		s.tear(r.mem, c)
	}
	return r.mem
}

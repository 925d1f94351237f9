package simboard

import (
	"slices"
)

// A FlashLog is what was done to a board's flash: the contents before, and
// each step in order. With it a test looks at what any power cut would have
// left, without doing the deploy again.
type FlashLog struct {
	Before []byte // contents of the flash file when the recording began
	Steps  []Step
	places []place
}

// startLog starts a recording.
func (f *flash) startLog() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = &FlashLog{Before: slices.Clone(f.mem), places: f.layout}
}

// recorded returns what was recorded so far.
func (f *flash) recorded() *FlashLog {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.log == nil {
		return &FlashLog{places: f.layout}
	}
	return &FlashLog{Before: f.log.Before, Steps: slices.Clone(f.log.Steps), places: f.layout}
}

// Partition returns where a partition lies in the flash file.
func (l *FlashLog) Partition(id int) (offset, size int64) {
	return l.places[id].offset, l.places[id].Size
}

// Cuts lists the power cuts that a sweep tries: before and after each step,
// inside each program (half of it done, and a write unit torn by seeds many
// seeds at its start, middle and end), and inside each erase (with seeds many
// patterns of undefined bits).
func (l *FlashLog) Cuts(seeds int) []Cut {
	var cuts []Cut
	for i, s := range l.Steps {
		cuts = append(cuts, Cut{Step: i})
		if s.Kind == Program && s.Size > s.Unit {
			cuts = append(cuts, Cut{Step: i, Bytes: s.Size / 2})
		}
		for seed := range uint64(seeds) {
			// Another seed for each step, so that a sweep meets many patterns;
			// the low bits go through the four states of an erase.
			c := Cut{Step: i, Seed: uint64(i+1)<<8 | seed%4 | seed>>2<<4}
			if s.Kind == Program {
				c.Bytes = []int64{0, s.Size / 2, max(0, s.Size-s.Unit)}[seed%3]
			}
			cuts = append(cuts, c)
		}
	}
	return append(cuts, Cut{Step: len(l.Steps)})
}

// BitCuts lists the cuts inside one step of programming: after each byte, and
// after each bit of each byte.
func (l *FlashLog) BitCuts(step int) []Cut {
	var cuts []Cut
	for n := range l.Steps[step].Size {
		for bit := range 8 {
			cuts = append(cuts, Cut{Step: step, Bytes: n, Bits: bit})
		}
	}
	return cuts
}

// Replay returns the contents of the flash file as a cut leaves them.
func Replay(log *FlashLog, c Cut) []byte {
	r := newReplayer(log, slices.Clone(log.Before))
	r.At(c)
	return r.mem
}

// A Replayer goes through the cuts of a log. Cuts in ascending order of their
// steps cost no more than what the steps between them changed.
type Replayer struct {
	log   *FlashLog
	mem   []byte
	done  int    // steps that are applied whole
	torn  []byte // what was at the step behind those before it was torn; nil: it was not
	path  string
	close func() error
}

func newReplayer(log *FlashLog, mem []byte) *Replayer {
	return &Replayer{log: log, mem: mem, close: func() error { return nil }}
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

// Path is the file that NewReplayer keeps the flash in.
func (r *Replayer) Path() string { return r.path }

// Close removes the file of NewReplayer.
func (r *Replayer) Close() error { return r.close() }

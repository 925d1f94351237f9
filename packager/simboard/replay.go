package simboard

// A FlashLog is what a deploy did to the flash: the contents before, and each
// step in order.
type FlashLog struct {
	Before []byte // contents of the flash file when the recording began
	Steps  []Step
}

func (f *flash) startLog() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = &FlashLog{Before: append([]byte(nil), f.mem...)}
}

// RecordFlash starts a new flash log, from the present contents.
func (b *Board) RecordFlash() { b.flash.startLog() }

// FlashLog returns what was recorded since RecordFlash.
func (b *Board) FlashLog() *FlashLog {
	b.flash.mu.Lock()
	defer b.flash.mu.Unlock()
	if b.flash.log == nil {
		return &FlashLog{}
	}
	l := *b.flash.log
	l.Steps = append([]Step(nil), l.Steps...)
	return &l
}

// Replay returns the contents of the flash as a cut of the logged deploy leaves them.
func Replay(log *FlashLog, c Cut) []byte {
	mem := append([]byte(nil), log.Before...)
	for i := range log.Steps {
		if i == c.Step {
			log.Steps[i].tear(mem, c)
			break
		}
		log.Steps[i].apply(mem)
	}
	return mem
}

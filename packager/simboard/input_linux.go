package simboard

import (
	"bytes"
	"time"
)

// receive takes bytes from the line: the interrupt character interrupts, all
// else goes to the ring.
func (b *Board) receive(data []byte) {
	life := b.ring.lifetime()
	for len(data) > 0 {
		n := len(data)
		p := b.running()
		if i := p.interruptAt(data); i >= 0 {
			n = i
		}
		if n == 0 {
			b.interrupt(p)
			data = data[1:]
			continue
		}
		limit := 0
		if b.busy.Load() {
			limit = b.opts.Faults.Deaf
		}
		b.ring.put(data[:n], life, limit, b.ctx.Done())
		data = data[n:]
	}
}

// running is the interpreter that runs now, or nil.
func (b *Board) running() *process {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.proc
}

// interruptAt is where in data the character stands that interrupts p, or -1.
func (p *process) interruptAt(data []byte) int {
	if p == nil {
		return -1
	}
	c := p.intr.Load()
	if c < 0 {
		return -1
	}
	return bytes.IndexByte(data, byte(c))
}

// interrupt is Ctrl-C in the code that p runs. It is for p alone: the interpreter that a reset
// starts meanwhile would die of the signal before it has a handler for it.
func (b *Board) interrupt(p *process) {
	if b.opts.Faults.IntrClears {
		b.ring.clear()
	}
	p.interrupt()
}

// feed starts the watchdog with a timeout, or feeds it with 0. It survives soft resets.
func (b *Board) feed(timeout time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if timeout > 0 {
		b.timeout = timeout
	}
	if b.watchdog != nil {
		b.watchdog.Stop()
	}
	b.watchdog = time.AfterFunc(b.timeout, func() {
		b.counted(func(s *Stats) { s.WatchdogResets++ })
		b.end(reset{cause: causeWatchdog, why: "the watchdog reset the board"})
	})
}

func (b *Board) stopWatchdog() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.watchdog != nil {
		b.watchdog.Stop()
		b.watchdog = nil
	}
}

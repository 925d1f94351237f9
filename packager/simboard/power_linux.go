package simboard

import (
	"context"
	"errors"
	"time"

	"rules_romfs/packager/simboard/flashsim"
)

// Reset causes, as machine.reset_cause() gives them.
const (
	causePowerOn  = 1
	causeHard     = 2
	causeWatchdog = 3
	causeSoft     = 5
)

// A reset ends an interpreter, and says how the next one starts.
type reset struct {
	cause int
	raw   bool // soft reset in raw REPL mode
	off   bool // the power is off
	again bool // what has led to it will do so again
	why   string
}

var powerOn = reset{cause: causePowerOn, why: "power on"}

// PowerCut takes the power away, whatever the board is doing. The flash keeps
// what was written. The ports stay, as those of a USB bridge do, unless
// Faults.USB takes them away.
func (b *Board) PowerCut() {
	b.setPower(false)
	b.end(reset{off: true, why: "the power was cut"})
}

// PowerOn gives the power back after a cut.
func (b *Board) PowerOn() { b.setPower(true) }

// Reset presses the reset button.
func (b *Board) Reset() { b.end(reset{cause: causeHard, why: "the reset button was pressed"}) }

// SetCut arms a power cut: the flash steps are counted from now on.
func (b *Board) SetCut(c flashsim.Cut) { b.flash.SetCut(c) }

// SetCutAtByte arms a power cut when n more bytes have come from the host.
func (b *Board) SetCutAtByte(n int64) { b.link.cutAfter(n) }

// WaitOff waits until a cut has taken the power away: what is sent from then on is lost.
func (b *Board) WaitOff(ctx context.Context) error {
	for {
		b.mu.Lock()
		off, changed := !b.power && b.down, b.changed
		b.mu.Unlock()
		if off {
			return nil
		}
		select {
		case <-changed:
		case <-b.done:
			return errors.New("the simulated board was closed")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (b *Board) setPower(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.power = on
	b.notify()
}

// setDown is said when the board has done what the loss of power means; waitPower ends it.
func (b *Board) setDown() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = true
	b.notify()
}

// notify wakes WaitOff and run after a change; b.mu is held.
func (b *Board) notify() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// end ends the running interpreter, if any; the first reason counts.
func (b *Board) end(r reset) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.proc == nil {
		return
	}
	if b.stop == nil {
		b.stop = &r
	}
	b.proc.kill()
}

// run is the board: one interpreter after the other until Close.
func (b *Board) run() {
	defer close(b.done)
	defer b.release()
	next := powerOn
	for b.ctx.Err() == nil {
		if next.off {
			if !b.waitPower() {
				return
			}
			next = powerOn
		}
		b.opts.Notify(next.why)
		if next.cause != causeSoft && !b.startUp() {
			return
		}
		r, err := b.boot(next)
		if err != nil {
			b.mu.Lock()
			b.err = err
			b.mu.Unlock()
			b.cancel()
			return
		}
		b.busy.Store(false)
		next = b.after(r)
	}
}

// startUp is what comes before the interpreter after a hard reset: it says
// whether the board is still wanted.
func (b *Board) startUp() bool {
	if b.link.master() == nil {
		if !b.sleep(b.opts.Faults.USB) {
			return false
		}
		if err := b.link.plug(); err != nil {
			b.opts.Notify(err.Error())
		}
	}
	if !b.sleep(b.opts.Faults.BootTime) {
		return false
	}
	b.ring.switchOn()
	return true
}

// after does what the end of an interpreter means, and returns how the next one starts.
func (b *Board) after(r *reset) reset {
	if b.ctx.Err() != nil {
		return reset{}
	}
	if r == nil {
		b.counted(func(s *Stats) { s.Crashes++ })
		r = &reset{cause: causeHard, why: "hard fault: the interpreter ended by itself"}
		r.again = true
	}
	if !r.again {
		b.again = 0
	} else {
		b.again++
		b.sleep(min(time.Second, 10*time.Millisecond<<b.again)) // lest it keeps the machine busy
	}
	if r.cause == causeSoft {
		b.link.send([]byte("MPY: soft reboot\r\n"), b.ctx.Done())
		return *r
	}
	b.ring.switchOff()
	b.stopWatchdog()
	if b.opts.Faults.USB > 0 {
		b.link.unplug()
	}
	if r.off {
		b.setDown()
		b.opts.Notify(r.why)
		if back := b.opts.Faults.PowerBack; back > 0 && b.sleep(back) {
			b.setPower(true)
		}
	}
	return *r
}

// sleep waits, and says whether the board is still wanted.
func (b *Board) sleep(d time.Duration) bool {
	if d <= 0 {
		return b.ctx.Err() == nil
	}
	select {
	case <-time.After(d):
		return true
	case <-b.ctx.Done():
		return false
	}
}

// waitPower waits for the power, and says whether the board is still wanted.
func (b *Board) waitPower() bool {
	for b.ctx.Err() == nil {
		b.mu.Lock()
		on, changed := b.power, b.changed
		if on {
			b.down = false
		}
		b.mu.Unlock()
		if on {
			return true
		}
		select {
		case <-changed:
		case <-b.ctx.Done():
		}
	}
	return false
}

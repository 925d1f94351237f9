package simboard

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

//go:embed firmware.py
var firmware []byte

// Reset causes, as machine.reset_cause() gives them.
const (
	causePowerOn  = 1
	causeHard     = 2
	causeWatchdog = 3
	causeSoft     = 5
)

// A Board is a running simulated board.
type Board struct {
	opts   Options
	dir    string // temporary files
	link   *link
	ring   *ring
	flash  *flash
	driver *driver
	stats  Stats        // under flash.mu
	cuts   atomic.Int64 // Stats.PowerCuts; apart, since WaitOff returns only when the cut is counted, under mu

	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{} // closed when nothing of the board is left
	up     chan struct{} // closed when the interpreter has started for the first time
	isUp   sync.Once

	mu       sync.Mutex
	err      error // why the board ended by itself
	proc     *process
	stop     *reset        // why the running interpreter was told to end
	power    bool          // on, or to be switched on
	changed  chan struct{} // closed and replaced at each change of power or proc
	watchdog *time.Timer
	timeout  time.Duration // of the watchdog

	crashes int          // interpreters in a row that ended by themselves; the run goroutine's
	intr    atomic.Int32 // the character that interrupts; -1: none
	busy    atomic.Bool  // a flash operation is running
	booting atomic.Bool  // the UART is not up yet
	aborted atomic.Bool  // Faults.AbortPaste has happened
}

// A reset ends an interpreter, and says how the next one starts.
type reset struct {
	cause int
	raw   bool // soft reset in raw REPL mode
	off   bool // the power is off
	why   string
}

// Start powers a board on. It runs until Close or the end of ctx. When Start
// returns, the ports exist and the interpreter is starting; what is sent
// meanwhile waits in the receive ring.
func Start(ctx context.Context, o Options) (*Board, error) {
	if err := o.setDefaults(); err != nil {
		return nil, err
	}
	interpreter, err := findInterpreter(o.Interpreter)
	if err != nil {
		return nil, err
	}
	o.Interpreter = interpreter
	b := &Board{opts: o, power: true, changed: make(chan struct{}), done: make(chan struct{}), up: make(chan struct{})}
	b.intr.Store(-1)
	b.ctx, b.cancel = context.WithCancel(ctx)
	if err := b.build(); err != nil {
		b.cancel()
		b.release()
		var option *OptionError
		if errors.As(err, &option) {
			return nil, option
		}
		return nil, fmt.Errorf("simulated board: %w", err)
	}
	go b.run()
	// The end of ctx must reach an interpreter that is running code.
	context.AfterFunc(b.ctx, func() { b.end(reset{off: true, why: "the board was closed"}) })
	select {
	case <-b.up:
		return b, nil
	case <-b.done:
		if err := b.Close(); err != nil {
			return nil, err
		}
		return nil, context.Cause(ctx)
	}
}

// build makes the board's files, flash, ring and link.
func (b *Board) build() (err error) {
	if b.dir, err = os.MkdirTemp("", "romfs-sim-"); err != nil {
		return err
	}
	if err := b.writeFiles(); err != nil {
		return err
	}
	if b.opts.Flash == "" {
		b.opts.Flash = filepath.Join(b.dir, "flash")
	}
	if b.opts.Flash, err = filepath.Abs(b.opts.Flash); err != nil {
		return err
	}
	random := func(what uint64) *rand.Rand { return rand.New(rand.NewPCG(b.opts.Seed, what)) }
	if b.flash, err = openFlash(b.opts.Flash, b.opts.Partitions); err != nil {
		return err
	}
	b.flash.faults, b.flash.stats, b.flash.rand, b.flash.cut = &b.opts.Faults, &b.stats, random(1), b.opts.Faults.Cut
	if b.opts.RecordFlash {
		b.RecordFlash()
	}
	b.driver = &driver{flash: b.flash, opts: &b.opts, calls: map[string]int{}, rand: random(2)}
	if b.ring, err = newRing(b.opts.Faults.Ring, b.opts.Faults.RingDrops); err != nil {
		return err
	}
	b.link, err = newLink(b, random(3), random(4))
	return err
}

func (b *Board) writeFiles() error {
	files := b.opts.Faults.bootFiles()
	for name, content := range b.opts.Files {
		files[name] += content
	}
	if err := os.Mkdir(b.filesDir(), 0o755); err != nil {
		return err
	}
	for name, content := range files {
		if !filepath.IsLocal(name) {
			return fmt.Errorf("file %q is outside the board", name)
		}
		path := filepath.Join(b.filesDir(), filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(b.firmwarePath(), firmware, 0o644)
}

func (b *Board) filesDir() string     { return filepath.Join(b.dir, "files") }
func (b *Board) configPath() string   { return filepath.Join(b.dir, "config.json") }
func (b *Board) firmwarePath() string { return filepath.Join(b.dir, "firmware.py") }

// PTY is the present path of the board's pseudo-terminal.
func (b *Board) PTY() string { return b.link.ptyPath() }

// Addr is the board's TCP port as pyserial names it: "socket://127.0.0.1:port".
func (b *Board) Addr() string { return "socket://" + b.link.addr }

// FlashFile is the path of the flash contents.
func (b *Board) FlashFile() string { return b.opts.Flash }

// Machine is the board's sys.implementation._machine.
func (b *Board) Machine() string { return b.opts.Machine }

// Dial connects to the board's TCP port.
func (b *Board) Dial(ctx context.Context) (io.ReadWriteCloser, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", strings.TrimPrefix(b.Addr(), "socket://"))
}

// Close powers the board off for good and removes everything that Start made,
// except a flash file that was named. It returns why the board had ended
// before, if it had.
func (b *Board) Close() error {
	b.cancel()
	<-b.done
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// Done is closed when the board has ended.
func (b *Board) Done() <-chan struct{} { return b.done }

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
func (b *Board) SetCut(c Cut) {
	b.flash.mu.Lock()
	defer b.flash.mu.Unlock()
	b.flash.steps, b.flash.cut = 0, &c
}

// SetCutAtByte arms a power cut when n more bytes have come from the host.
func (b *Board) SetCutAtByte(n int64) { b.link.cutAfter(n) }

// WaitOff waits until a cut has taken the power away.
func (b *Board) WaitOff(ctx context.Context) error {
	for {
		b.mu.Lock()
		off, changed := !b.power && b.proc == nil, b.changed
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

// Stats returns what was counted so far.
func (b *Board) Stats() Stats {
	b.flash.mu.Lock()
	defer b.flash.mu.Unlock()
	s := b.stats
	s.PowerCuts = int(b.cuts.Load())
	s.Violations = append([]string{}, s.Violations...)
	b.link.count(&s)
	return s
}

// ResetStats starts counting afresh.
func (b *Board) ResetStats() {
	b.flash.mu.Lock()
	defer b.flash.mu.Unlock()
	b.stats = Stats{}
	b.link.resetCount()
}

// counted changes the statistics.
func (b *Board) counted(change func(*Stats)) {
	b.flash.mu.Lock()
	defer b.flash.mu.Unlock()
	change(&b.stats)
}

// RecordFlash starts a flash log with the present contents.
func (b *Board) RecordFlash() { b.flash.startLog() }

// FlashLog returns what was recorded since RecordFlash, or since Start with
// Options.RecordFlash.
func (b *Board) FlashLog() *FlashLog { return b.flash.recorded() }

// Contents returns a copy of a partition's bytes.
func (b *Board) Contents(partition int) []byte { return b.flash.contents(partition) }

// Load replaces a partition's contents as a factory programmer would: the rest
// is erased, and nothing is counted.
func (b *Board) Load(partition int, data []byte) { b.flash.load(partition, data) }

// run is the board: one interpreter after the other until Close.
func (b *Board) run() {
	defer close(b.done)
	defer b.release()
	next := reset{cause: causePowerOn, why: "power on"}
	for b.waitPower() {
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
		b.intr.Store(-1)
		b.busy.Store(false)
		next = b.after(r)
	}
}

// startUp is what comes before the interpreter after a hard reset: it says
// whether the board is still wanted.
func (b *Board) startUp() bool {
	b.booting.Store(true)
	defer b.booting.Store(false)
	if b.link.unplugged() {
		if !b.sleep(b.opts.Faults.USB) {
			return false
		}
		if err := b.link.openPTY(); err != nil {
			b.opts.Notify(err.Error())
		}
	}
	return b.sleep(b.opts.Faults.BootTime)
}

// after does what the end of an interpreter means, and returns how the next one starts.
func (b *Board) after(r *reset) reset {
	if b.ctx.Err() != nil {
		return reset{}
	}
	if r == nil {
		b.counted(func(s *Stats) { s.Crashes++ })
		r = &reset{cause: causeHard, why: "hard fault: the interpreter ended by itself"}
		b.crashes++
		b.sleep(min(time.Second, 10*time.Millisecond<<b.crashes)) // lest one that always does keeps the machine busy
	} else {
		b.crashes = 0
	}
	if r.cause == causeSoft {
		b.link.send([]byte("MPY: soft reboot\r\n"), b.ctx.Done())
		return *r
	}
	b.ring.clear()
	b.stopWatchdog()
	if b.opts.Faults.USB > 0 {
		b.link.unplug()
	}
	if r.off {
		b.opts.Notify(r.why)
		if back := b.opts.Faults.PowerBack; back > 0 && b.sleep(back) {
			b.setPower(true)
		}
		return reset{cause: causePowerOn, why: "power on"}
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

// release removes what build made.
func (b *Board) release() {
	b.stopWatchdog()
	if b.link != nil {
		b.link.close()
	}
	if b.ring != nil {
		b.ring.close()
	}
	if b.flash != nil {
		b.flash.close()
	}
	if b.dir != "" {
		os.RemoveAll(b.dir)
	}
}

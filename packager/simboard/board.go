package simboard

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
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
	opts  Options
	dir   string // temporary files
	link  *link
	ring  *ring
	flash *flash
	stats Stats

	ctx    context.Context
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when the board's goroutine has ended

	mu       sync.Mutex
	proc     *process
	stop     *stopReason   // why the running interpreter was told to end
	power    bool          // wanted
	changed  chan struct{} // closed and replaced at each change of power
	watchdog *time.Timer
	intr     atomic.Int32 // the character that interrupts; -1: none
}

// A stopReason says what happens after the interpreter was ended.
type stopReason struct {
	cut   bool // power is off now
	cause int  // reset cause of the next boot
	raw   bool // soft reset in raw REPL mode
	text  string
}

// Start powers a board on. It runs until Close or the end of ctx. The ports
// exist when Start returns; bytes sent while the interpreter is still booting
// wait in the receive ring, as on a board.
func Start(ctx context.Context, o Options) (*Board, error) {
	if err := o.setDefaults(); err != nil {
		return nil, err
	}
	interpreter, err := findInterpreter(o.Interpreter)
	if err != nil {
		return nil, err
	}
	o.Interpreter = interpreter
	dir, err := os.MkdirTemp("", "romfs-sim-")
	if err != nil {
		return nil, err
	}
	b := &Board{opts: o, dir: dir, power: true, changed: make(chan struct{}), done: make(chan struct{})}
	b.intr.Store(-1)
	if err := b.prepareFiles(); err != nil {
		b.release()
		return nil, err
	}
	b.ctx, b.cancel = context.WithCancelCause(ctx)
	if b.link, err = newLink(b); err != nil {
		b.cancel(nil)
		b.release()
		return nil, err
	}
	go b.run()
	return b, nil
}

// prepareFiles makes the board's files and its flash.
func (b *Board) prepareFiles() error {
	for name, content := range b.opts.Files {
		path := filepath.Join(b.filesDir(), filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(b.filesDir(), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(b.firmwarePath(), firmware, 0o644); err != nil {
		return err
	}
	if b.opts.Flash == "" {
		b.opts.Flash = filepath.Join(b.dir, "flash")
	}
	var err error
	if b.flash, err = openFlash(b.opts.Flash, b.opts.Partitions, &b.stats); err != nil {
		return err
	}
	if b.opts.RecordFlash {
		b.flash.startLog()
	}
	b.flash.cut = b.opts.Cut
	b.ring, err = newRing(b.opts.Faults.Ring, b.opts.Faults.Drop)
	return err
}

func (b *Board) filesDir() string     { return filepath.Join(b.dir, "files") }
func (b *Board) configPath() string   { return filepath.Join(b.dir, "config.json") }
func (b *Board) firmwarePath() string { return filepath.Join(b.dir, "firmware.py") }

// PTY is the path of the board's pseudo-terminal.
func (b *Board) PTY() string { return b.link.ptyPath() }

// Addr is the board's TCP port as pyserial names it: "socket://127.0.0.1:port".
func (b *Board) Addr() string { return "socket://" + b.link.listener.Addr().String() }

// Close powers the board off for good and removes everything that Start made,
// except a flash file that was named.
func (b *Board) Close() error {
	b.cancel(errClosed)
	b.kill(&stopReason{cut: true})
	<-b.done
	return nil
}

var errClosed = errors.New("the board was closed")

// Done is closed when the board has ended.
func (b *Board) Done() <-chan struct{} { return b.done }

// PowerCut takes the power away at once. The flash keeps what was written.
func (b *Board) PowerCut() {
	b.setPower(false)
	b.kill(&stopReason{cut: true})
}

// PowerOn gives the power back after PowerCut or a cut that the flash reached.
func (b *Board) PowerOn() { b.setPower(true) }

// SetCut arms a power cut: counted are the flash steps from now on.
func (b *Board) SetCut(c Cut) {
	b.flash.mu.Lock()
	defer b.flash.mu.Unlock()
	b.flash.steps, b.flash.cut = 0, &c
}

// WaitOff waits until the power is off, because of a cut.
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
			return errClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (b *Board) setPower(on bool) {
	b.mu.Lock()
	b.power = on
	b.notify()
	b.mu.Unlock()
}

// notify tells WaitOff and run of a change; b.mu is held.
func (b *Board) notify() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// kill ends the running interpreter, if any; the first reason counts.
func (b *Board) kill(r *stopReason) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.proc == nil {
		return
	}
	if b.stop == nil {
		b.stop = r
	}
	b.proc.kill()
}

// Stats returns what was counted so far.
func (b *Board) Stats() Stats {
	b.flash.mu.Lock()
	defer b.flash.mu.Unlock()
	s := b.stats
	s.Violations = append([]string(nil), s.Violations...)
	b.link.count(&s)
	return s
}

// run is the board: one interpreter after the other until Close.
func (b *Board) run() {
	defer close(b.done)
	defer b.release()
	next := stopReason{cause: causePowerOn}
	for b.waitPower() {
		reason, err := b.boot(next)
		if err != nil {
			b.cancel(fmt.Errorf("start %s: %w", b.opts.Interpreter, err))
			return
		}
		b.intr.Store(-1)
		if reason == nil { // the interpreter ended by itself: on a board, a hard fault
			b.flash.mu.Lock()
			b.stats.Crashes++
			b.flash.mu.Unlock()
			reason = &stopReason{cause: causeHard}
			if b.ctx.Err() == nil && !b.sleep(20*time.Millisecond) {
				return
			}
		}
		next = *reason
		if next.cut {
			b.setPower(false)
			next = stopReason{cause: causePowerOn}
		}
		if next.cause != causeSoft {
			b.ring.clear()
			b.stopWatchdog()
		} else {
			b.link.send([]byte("MPY: soft reboot\r\n"), b.ctx.Done())
		}
	}
}

// sleep waits, and says whether the board is still wanted.
func (b *Board) sleep(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-b.ctx.Done():
		return false
	}
}

// waitPower waits for the power, and says whether the board is still wanted.
func (b *Board) waitPower() bool {
	for {
		b.mu.Lock()
		on, changed := b.power, b.changed
		b.mu.Unlock()
		if b.ctx.Err() != nil {
			return false
		}
		if on {
			return true
		}
		select {
		case <-changed:
		case <-b.ctx.Done():
			return false
		}
	}
}

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
	os.RemoveAll(b.dir)
}

// setWatchdog starts or feeds the watchdog; it survives soft resets.
func (b *Board) setWatchdog(timeout time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.watchdog != nil {
		b.watchdog.Stop()
	}
	b.watchdog = time.AfterFunc(timeout, func() {
		b.flash.mu.Lock()
		b.stats.WatchdogResets++
		b.flash.mu.Unlock()
		b.kill(&stopReason{cause: causeWatchdog})
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

// receive takes bytes from the host: the interrupt character interrupts, all
// else goes to the ring.
func (b *Board) receive(data []byte) {
	for len(data) > 0 {
		n := len(data)
		c := b.intr.Load()
		if c >= 0 {
			if i := bytes.IndexByte(data, byte(c)); i >= 0 {
				n = i
			}
		}
		if n > 0 {
			// A byte at a time when it matters whether running code arms Ctrl-C in between.
			b.ring.put(data[:n], b.ctx.Done(), func() bool { return b.isOn() })
			data = data[n:]
			continue
		}
		b.interrupt()
		data = data[1:]
	}
}

func (b *Board) isOn() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.power
}

func (b *Board) interrupt() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.proc != nil {
		b.proc.interrupt()
	}
}

// openFlash maps the flash file, which is made erased if missing.
func openFlash(path string, parts []Partition, stats *Stats) (*flash, error) {
	layout, size := layOut(parts)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	fl := &flash{file: f, layout: layout, stats: stats, once: map[int64]bool{}}
	old, err := f.Seek(0, 2)
	if err != nil {
		f.Close()
		return nil, err
	}
	if old != 0 && old != size {
		f.Close()
		return nil, fmt.Errorf("flash file %s has %d bytes; the board's partitions take %d: name another file, or delete it", path, old, size)
	}
	if size == 0 {
		return fl, nil
	}
	if err := f.Truncate(size); err != nil {
		f.Close()
		return nil, err
	}
	if fl.mem, err = unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		f.Close()
		return nil, fmt.Errorf("map %s: %w", path, err)
	}
	if old == 0 {
		for i := range fl.mem {
			fl.mem[i] = 0xff
		}
	}
	for _, p := range layout {
		for u := p.offset; p.Medium == ECC && u < p.offset+p.Size; u += p.Write {
			for _, c := range fl.mem[u : u+p.Write] {
				if c != 0xff {
					fl.once[u] = true
				}
			}
		}
	}
	return fl, nil
}

func (f *flash) close() {
	if f.mem != nil {
		unix.Munmap(f.mem)
		f.mem = nil
	}
	f.file.Close()
}

package simboard

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"rules_romfs/packager/imports"
	"rules_romfs/packager/simboard/flashsim"
)

//go:embed firmware/*.py
var firmwareDir embed.FS

// firmwareFiles are the files of the one program that is the firmware, in order.
var firmwareFiles = []string{"hardware.py", "interrupt.py", "stream.py", "inside.py", "confine.py", "modules.py", "rom.py", "repl.py", "start.py"}

// A Board is a running simulated board.
type Board struct {
	opts  Options
	dir   string // temporary files
	link  *link
	ring  *ring
	flash *flashFile
	rom   *romIoctl
	cuts  atomic.Int64 // Stats.PowerCuts; apart, since WaitOff returns only when the cut is counted

	statsMu sync.Mutex
	stats   Stats // but for the flash's counts and the link's

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
	down     bool          // without power, and all that this means has happened
	changed  chan struct{} // closed and replaced at each change of power or down
	watchdog *time.Timer
	timeout  time.Duration // of the watchdog

	again   int         // resets in a row whose cause stays; the run goroutine's
	busy    atomic.Bool // a flash operation is running
	aborted atomic.Bool // Faults.AbortPaste has happened
}

// Start powers a board on. It runs until Close or the end of ctx. When Start
// returns, the ports exist and the interpreter is starting; what is sent
// meanwhile waits in the receive ring.
func Start(ctx context.Context, o Options) (*Board, error) {
	if err := o.setDefaults(); err != nil {
		return nil, err
	}
	interpreter, err := FindInterpreter(o.Interpreter)
	if err != nil {
		return nil, err
	}
	o.Interpreter = interpreter
	b := &Board{opts: o, power: true, changed: make(chan struct{}), done: make(chan struct{}), up: make(chan struct{})}
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
	random := func(what uint64) *rand.Rand { return flashsim.Random(b.opts.Seed, what) }
	if b.flash, err = openFlash(b.opts.Flash, b.opts.Partitions, b.opts.Faults.habits()); err != nil {
		return err
	}
	if b.opts.RecordFlash {
		b.RecordFlash()
	}
	b.rom = newROMIoctl(&b.opts, b.flash.Flash, random(2))
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
	if len(b.opts.Stubs) > 0 {
		if err := imports.GatherStubs(filepath.Join(b.dir, stubsFolder), b.opts.Stubs); err != nil {
			return err
		}
	}
	var firmware []byte
	for _, name := range firmwareFiles {
		part, err := firmwareDir.ReadFile("firmware/" + name)
		if err != nil {
			return err
		}
		firmware = append(firmware, part...)
	}
	return os.WriteFile(b.firmwarePath(), firmware, 0o644)
}

func (b *Board) filesDir() string     { return filepath.Join(b.dir, filesFolder) }
func (b *Board) configPath() string   { return filepath.Join(b.dir, configFile) }
func (b *Board) firmwarePath() string { return filepath.Join(b.dir, firmwareModule+".py") }

// PTY is the present path of the board's pseudo-terminal.
func (b *Board) PTY() string { return b.link.ptyPath() }

// Addr is the board's TCP port as pyserial names it: "socket://127.0.0.1:port";
// "" without Options.Listen.
func (b *Board) Addr() string {
	if b.link.addr == "" {
		return ""
	}
	return "socket://" + b.link.addr
}

// FlashFile is the path of the flash contents.
func (b *Board) FlashFile() string { return b.opts.Flash }

// FlashPlaces are where the partitions lie in the flash file.
func (b *Board) FlashPlaces() []flashsim.Place { return b.flash.Places() }

// Machine is the board's sys.implementation._machine.
func (b *Board) Machine() string { return b.opts.Machine }

// Dial connects to the board, one host at a time. Of that kind of port nobody
// else knows.
func (b *Board) Dial(ctx context.Context) (io.ReadWriteCloser, error) { return b.link.dial(ctx) }

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

// Stats returns what was counted so far.
func (b *Board) Stats() Stats {
	b.statsMu.Lock()
	defer b.statsMu.Unlock()
	s := b.stats
	s.Counts = b.flash.Counts(false)
	s.PowerCuts = int(b.cuts.Load())
	b.link.count(&s)
	return s
}

// ResetStats starts counting afresh.
func (b *Board) ResetStats() {
	b.statsMu.Lock()
	defer b.statsMu.Unlock()
	b.stats = Stats{}
	b.flash.Counts(true)
	b.link.resetCount()
}

// counted changes the statistics.
func (b *Board) counted(change func(*Stats)) {
	b.statsMu.Lock()
	defer b.statsMu.Unlock()
	change(&b.stats)
}

// RecordFlash starts a flash log with the present contents.
func (b *Board) RecordFlash() { b.flash.Record() }

// FlashLog returns what was recorded since RecordFlash, or since Start with
// Options.RecordFlash.
func (b *Board) FlashLog() *flashsim.Log { return b.flash.Log() }

// Contents returns a copy of a partition's bytes.
func (b *Board) Contents(partition int) []byte { return b.flash.Contents(partition) }

// Load replaces a partition's contents as a factory programmer would: the rest
// is erased, and nothing is counted.
func (b *Board) Load(partition int, data []byte) { b.flash.Load(partition, data) }

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

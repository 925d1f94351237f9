package simboard

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rules_romfs/packager/imports"
)

// FindInterpreter is the path of the interpreter that Options.Interpreter names.
func FindInterpreter(name string) (string, error) {
	if name == "" {
		name = os.Getenv("ROMFS_MICROPYTHON")
	}
	if name == "" {
		name = "micropython"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		var e *exec.Error
		if errors.As(err, &e) {
			err = e.Err
		}
		return "", &InterpreterError{name, err}
	}
	return filepath.Abs(path)
}

// A process is one run of the interpreter, from boot to reset.
type process struct {
	intr   atomic.Int32 // the character that interrupts; -1: none, as until it is ready for one
	mu     sync.Mutex
	cmd    *exec.Cmd
	live   bool
	ended  chan struct{} // closed when the process was told to end
	stdout int           // our ends of the pipes
	calls  int
	result int
	up     bool          // is ready to run boot.py
	early  bytes.Buffer  // output before that: why it did not start
	trace  *bytes.Buffer // not nil: between the begin and the end of a traceback
}

func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.live {
		p.cmd.Process.Kill()
		select {
		case <-p.ended:
		default:
			close(p.ended)
		}
	}
}

func (p *process) interrupt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.live {
		unix.Tgkill(p.cmd.Process.Pid, p.cmd.Process.Pid, unix.SIGUSR2)
	}
}

// errEnded ends a hardware call whose interpreter was told to end.
var errEnded = errors.New("the interpreter was ended")

// wait takes time in a hardware call, unless the interpreter is ended.
func (p *process) wait(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-p.ended:
		return errEnded
	}
}

// hang never returns to the interpreter.
func (p *process) hang() error {
	<-p.ended
	return errEnded
}

// The interpreter runs in the board's folder and knows the files there by these
// names: wherever the folder is, MicroPython takes no argument and no folder of a
// program of more than 255 bytes. (Of a module that -m starts, it would not catch
// SIGINT.)
const (
	firmwareModule = "_simboard"
	configFile     = "config.json"
	filesFolder    = "files"
	stubsFolder    = "stubs"
)

// config is what firmware.py is told about its board.
func (b *Board) config(next reset) ([]byte, error) {
	type part struct {
		Base     uint64 `json:"base"`
		Size     int64  `json:"size"`
		Erase    int64  `json:"erase"`
		Offset   int64  `json:"offset"`
		BlockDev bool   `json:"blockdev"`
		Info     []any  `json:"info"` // of a Partition object of the esp32 port, which says whether it is encrypted; nil: it is none
	}
	parts := []part{}
	for i, s := range b.rom.segments {
		p := b.opts.Partitions[i]
		place := b.flash.Places()[i]
		var info []any
		if b.opts.Platform == "esp32" {
			info = []any{1, 0x8f, 0x200000, p.Size, "romfs", place.Cells.Encrypted} // esp32_partition.c, esp32_partition_info
		}
		parts = append(parts, part{p.Base, p.Size, p.Erase, place.Offset, s.blocks != nil, info})
	}
	f := b.opts.Faults
	paste := f.Window
	switch f.RawPaste {
	case PasteRefused:
		paste = 0
	case PasteUnknown:
		paste = -1
	}
	stubs := ""
	if len(b.opts.Stubs) > 0 {
		stubs = stubsFolder
	}
	abort := f.AbortPaste
	if b.aborted.Load() {
		abort = 0
	}
	var version [3]int
	fmt.Sscanf(b.opts.Release, "%d.%d.%d", &version[0], &version[1], &version[2])
	return json.Marshal(map[string]any{
		"machine": b.opts.Machine, "mpy": b.opts.MPY, "release": b.opts.Release, "date": "2026-08-19",
		"version": []any{version[0], version[1], version[2], ""}, "platform": b.opts.Platform, "serial": b.opts.Serial,
		"files": filesFolder, "stubs": stubs, "path": imports.Path(stubs != ""), "partitions": parts, "romfs": !b.opts.NoROM,
		"paste": paste, "max_paste": f.MaxPaste, "abort_paste": abort, "missing": append([]string{}, f.Missing...),
		"heap": f.Heap, "largest": f.Largest, "narrow": f.Narrow, "raw": next.raw, "reset_cause": next.cause,
	})
}

// boot runs one interpreter until it ends; it returns why, or nil if it ended by itself.
func (b *Board) boot(next reset) (*reset, error) {
	// The child dies with the thread that made it (Pdeathsig), so that thread must stay.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p, childEnds, err := b.newProcess(next)
	if err != nil {
		return nil, err
	}
	defer p.closePipes()
	b.mu.Lock()
	if !b.power || b.ctx.Err() != nil {
		b.cuts.Add(1)
		b.mu.Unlock()
		closeAll(childEnds)
		return &reset{off: true, why: "the power was cut"}, nil
	}
	err = p.cmd.Start()
	closeAll(childEnds)
	if err != nil {
		b.mu.Unlock()
		return nil, err
	}
	p.live = true
	b.proc, b.stop = p, nil
	b.mu.Unlock()
	b.counted(func(s *Stats) { s.Boots++ })

	served := b.serve(p)

	p.kill()
	p.mu.Lock()
	p.live = false
	p.mu.Unlock()
	p.cmd.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	why := b.stop
	if why != nil && why.off {
		b.cuts.Add(1)
		b.power = false
	}
	b.proc, b.stop = nil, nil
	if why == nil && !p.up {
		return nil, &InterpreterError{b.opts.Interpreter, fmt.Errorf("it did not start: %w", p.notUp(served))}
	}
	return why, nil
}

// notUp is why a process that has ended was never ready; served is the error of its hardware.
func (p *process) notUp(served error) error {
	if said := bytes.TrimSpace(p.early.Bytes()); len(said) > 0 {
		return errors.New(string(said))
	}
	if served != nil {
		return fmt.Errorf("the hardware failed: %w", served)
	}
	return fmt.Errorf("it ended with %s and said nothing", p.cmd.ProcessState)
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

func (p *process) closePipes() {
	for _, fd := range []int{p.stdout, p.calls, p.result} {
		unix.Close(fd)
	}
}

// newProcess makes the pipes and the command; childEnds are the files to close after Start.
func (b *Board) newProcess(next reset) (p *process, childEnds []*os.File, err error) {
	config, err := b.config(next)
	if err != nil {
		return nil, nil, err
	}
	if err := os.WriteFile(b.configPath(), config, 0o644); err != nil {
		return nil, nil, err
	}
	var out, calls, results [2]int
	for _, fds := range []*[2]int{&out, &calls, &results} {
		if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
			return nil, nil, fmt.Errorf("pipe: %w", err)
		}
	}
	unix.SetNonblock(out[0], true)
	childEnds = []*os.File{os.NewFile(uintptr(out[1]), "stdout"), os.NewFile(uintptr(calls[1]), "calls"), os.NewFile(uintptr(results[0]), "results")}
	p = &process{stdout: out[0], calls: calls[0], result: results[1], ended: make(chan struct{})}
	p.intr.Store(-1)
	p.cmd = exec.Command(b.opts.Interpreter, "-X", "heapsize="+b.heapSize(), "-c", "import "+firmwareModule, configFile)
	p.cmd.Stdin = b.ring.reader
	p.cmd.Stdout = childEnds[0]
	p.cmd.Stderr = childEnds[0]
	p.cmd.ExtraFiles = []*os.File{childEnds[1], childEnds[2], b.flash.file}
	p.cmd.Env = []string{}
	p.cmd.Dir = b.dir
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	return p, childEnds, nil
}

// heapSize leaves room for firmware.py itself, which fills up what is beyond Faults.Heap.
func (b *Board) heapSize() string {
	if b.opts.Faults.Heap == 0 {
		return "16m"
	}
	return fmt.Sprintf("%dk", 512+b.opts.Faults.Heap*2/1024)
}

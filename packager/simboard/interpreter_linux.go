package simboard

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Hardware calls of firmware.py, by number.
const (
	hwTX      = 1 + iota // raw bytes to the host
	hwIntr               // set the interrupt character
	hwROM                // rom_ioctl
	hwBlocks             // a block device's ioctl and writeblocks
	hwTrace              // a traceback begins or ends
	hwReset              // 0 soft, 1 soft in raw REPL mode, 2 hard
	hwWDT                // start (ms) or feed (0) the watchdog
	hwUnread             // give bytes back to the receive ring
	hwAborted            // Faults.AbortPaste has happened
	hwSource             // a flash write's buffer lies in flash
	hwUp                 // the firmware is ready to run boot.py
)

// maxCall bounds a hardware call's data: more than any partition written at once.
const maxCall = 64 << 20

func findInterpreter(name string) (string, error) {
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

// config is what firmware.py is told about its board.
func (b *Board) config(next reset) ([]byte, error) {
	type part struct {
		Base     uint64 `json:"base"`
		Size     int64  `json:"size"`
		Erase    int64  `json:"erase"`
		Offset   int64  `json:"offset"`
		BlockDev bool   `json:"blockdev"`
	}
	parts := []part{}
	for _, p := range b.flash.layout {
		parts = append(parts, part{p.Base, p.Size, p.Erase, p.offset, p.BlockDevice})
	}
	f := b.opts.Faults
	paste := f.Window
	switch f.RawPaste {
	case PasteRefused:
		paste = 0
	case PasteUnknown:
		paste = -1
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
		"flash": b.opts.Flash, "files": b.filesDir(), "partitions": parts, "romfs": !b.opts.NoROM,
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

	b.serve(p)

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
	b.notify()
	if why == nil && !p.up {
		said := string(bytes.TrimSpace(p.early.Bytes()))
		return nil, &InterpreterError{b.opts.Interpreter, fmt.Errorf("it did not start: %s", cmp.Or(said, "it ended and said nothing"))}
	}
	return why, nil
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
	p.cmd = exec.Command(b.opts.Interpreter, "-X", "heapsize="+b.heapSize(), b.firmwarePath(), b.configPath())
	p.cmd.Stdin = b.ring.reader
	p.cmd.Stdout = childEnds[0]
	p.cmd.Stderr = childEnds[0]
	p.cmd.ExtraFiles = childEnds[1:]
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

// serve carries the interpreter's output and answers its hardware calls until it ends.
func (b *Board) serve(p *process) {
	fds := []unix.PollFd{{Fd: int32(p.stdout), Events: unix.POLLIN}, {Fd: int32(p.calls), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(fds, -1); err != nil && err != unix.EINTR {
			return
		}
		call := fds[1].Revents&unix.POLLIN != 0
		// Output that was written before a call goes out before what the call does.
		got := b.drain(p)
		if call {
			if err := b.call(p); err != nil {
				return
			}
		}
		if !got && !call && fds[0].Revents&unix.POLLHUP != 0 {
			return
		}
	}
}

// drain sends what the interpreter has printed.
func (b *Board) drain(p *process) bool {
	var buf [4096]byte
	got := false
	for {
		n, err := unix.Read(p.stdout, buf[:])
		if n <= 0 || err != nil {
			return got
		}
		got = true
		switch {
		case p.trace != nil:
			p.trace.Write(buf[:n])
		case !p.up:
			p.early.Write(buf[:n])
		default:
			b.link.send(cook(buf[:n]), p.ended)
		}
	}
}

// cook is the terminal's line ending.
func cook(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")) }

// call answers one hardware call.
func (b *Board) call(p *process) error {
	var head [24]byte
	if err := readFull(p.calls, head[:]); err != nil {
		return err
	}
	var arg [4]int32
	for i := range arg {
		arg[i] = int32(binary.LittleEndian.Uint32(head[4+4*i:]))
	}
	n := binary.LittleEndian.Uint32(head[20:])
	if n > maxCall {
		return fmt.Errorf("hardware call with %d bytes", n)
	}
	data := make([]byte, n)
	if err := readFull(p.calls, data); err != nil {
		return err
	}
	op := binary.LittleEndian.Uint32(head[:])
	if !p.up && op == hwUp {
		p.up = true
		b.isUp.Do(func() { close(b.up) })
	}
	result, err := b.do(p, op, arg, data)
	if err != nil {
		return err
	}
	var out [4]byte
	binary.LittleEndian.PutUint32(out[:], uint32(result))
	_, err = unix.Write(p.result, out[:])
	return err
}

// do performs a hardware call. An error ends the interpreter.
func (b *Board) do(p *process, op uint32, arg [4]int32, data []byte) (int, error) {
	switch op {
	case hwTX:
		b.link.send(data, p.ended)
	case hwIntr:
		b.intr.Store(arg[0])
	case hwROM, hwBlocks:
		return b.flashCall(p, op, arg, data)
	case hwTrace:
		if arg[0] == 1 {
			p.trace = new(bytes.Buffer)
		} else if p.trace != nil {
			text := b.userTrace(p.trace.String())
			p.trace = nil
			b.link.send(cook([]byte(text)), p.ended)
		}
	case hwReset:
		r := reset{cause: causeSoft, raw: arg[0] == 1, why: "soft reset"}
		if arg[0] == 2 {
			r = reset{cause: causeHard, why: "machine.reset()"}
		}
		b.end(r)
		return 0, errEnded
	case hwWDT:
		b.feed(time.Duration(arg[0]) * time.Millisecond)
	case hwUnread:
		b.ring.unread(data)
	case hwAborted:
		b.aborted.Store(true)
	case hwSource:
		if b.opts.Faults.SourceFault {
			b.counted(func(s *Stats) { s.Crashes++ })
			b.end(reset{cause: causeHard, why: "hard fault: a flash write read its data from flash"})
			return 0, errEnded
		}
	}
	return 0, nil
}

// flashCall lets the driver work; meanwhile a deaf board hears nothing.
func (b *Board) flashCall(p *process, op uint32, arg [4]int32, data []byte) (int, error) {
	b.driver.busy, b.driver.hang = p.wait, p.hang
	b.busy.Store(true)
	defer b.busy.Store(false)
	call := b.driver.rom
	if op == hwBlocks {
		call = b.driver.block
	}
	result, err := call(int(arg[0]), int(arg[1]), int64(arg[2]), int64(arg[3]), data)
	if errors.Is(err, errCut) {
		b.end(reset{off: true, why: "the power was cut in a flash operation"})
	}
	return result, err
}

// userTrace drops firmware.py's own frames, and gives commands the name that a board gives them.
func (b *Board) userTrace(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, `  File "`+b.firmwarePath()+`"`) {
			continue
		}
		out.WriteString(strings.Replace(line, `  File "<string>"`, `  File "<stdin>"`, 1))
	}
	return out.String()
}

func readFull(fd int, p []byte) error {
	for len(p) > 0 {
		n, err := unix.Read(fd, p)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return io.EOF
		}
		p = p[n:]
	}
	return nil
}

package simboard

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"rules_romfs/packager/simboard/flashsim"
)

// Hardware calls of firmware.py, by number.
const (
	hwTX      = 1 + iota // raw bytes to the host
	hwIntr               // set the interrupt character
	hwROM                // rom_ioctl
	hwBlocks             // a block device's ioctl and writeblocks
	hwTrace              // a traceback begins or ends
	hwReset              // one of resets
	hwWDT                // start (ms) or feed (0) the watchdog
	hwUnread             // give bytes back to the receive ring
	hwAborted            // Faults.AbortPaste has happened
	hwSource             // a flash write's buffer lies in flash
	hwUp                 // the firmware is ready to run boot.py
)

// resets are those that the firmware asks for.
var resets = [...]reset{
	{cause: causeSoft, why: "soft reset"},
	{cause: causeSoft, raw: true, why: "soft reset"},
	{cause: causeHard, why: "machine.reset()"},
	{cause: causeSoft, again: true, why: "soft reset: boot.py ended in SystemExit, so that it runs again and again; leave it by its end"},
	{cause: causeSoft, again: true, why: "soft reset: main.py ended in SystemExit, so that it runs again and again; leave it by its end"},
}

// maxCall bounds a hardware call's data: more than any partition written at once.
const maxCall = 64 << 20

// serve carries the interpreter's output and answers its hardware calls until it ends. An error
// is one of the calls: that the interpreter has ended, or was ended, is none.
func (b *Board) serve(p *process) error {
	fds := []unix.PollFd{{Fd: int32(p.stdout), Events: unix.POLLIN}, {Fd: int32(p.calls), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(fds, -1); err == unix.EINTR {
			continue // what fds say is of the time before
		} else if err != nil {
			return fmt.Errorf("poll: %w", err)
		}
		call := fds[1].Revents&unix.POLLIN != 0
		// Output that was written before a call goes out before what the call does.
		got := b.drain(p)
		if call {
			switch err := b.call(p); {
			case errors.Is(err, errEnded), errors.Is(err, flashsim.ErrCut), errors.Is(err, io.EOF), errors.Is(err, unix.EPIPE):
				return nil
			case err != nil:
				return fmt.Errorf("hardware call: %w", err)
			}
		}
		if !got && !call && fds[0].Revents&unix.POLLHUP != 0 {
			return nil
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
		if !b.opts.Faults.NoInterrupt {
			p.intr.Store(arg[0])
		}
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
		if int(arg[0]) < len(resets) {
			b.end(resets[arg[0]])
			return 0, errEnded
		}
	case hwWDT:
		b.feed(time.Duration(arg[0]) * time.Millisecond)
	case hwUnread:
		b.ring.unread(data)
	case hwAborted:
		b.aborted.Store(true)
	case hwSource:
		if id := int(arg[0]); id < len(b.rom.segments) && b.rom.segments[id].driver.FaultsOnFlash {
			b.counted(func(s *Stats) { s.Crashes++ })
			b.end(reset{cause: causeHard, why: "hard fault: a flash write read its data from flash"})
			return 0, errEnded
		}
	}
	return 0, nil
}

// flashCall lets the driver work; meanwhile a deaf board hears nothing.
func (b *Board) flashCall(p *process, op uint32, arg [4]int32, data []byte) (int, error) {
	b.flash.Wait = p.wait
	b.rom.onHang(p.hang)
	b.busy.Store(true)
	defer b.busy.Store(false)
	result, err := 0, error(nil)
	if op == hwBlocks {
		result, err = b.rom.block(int(arg[0]), int(arg[1]), int64(arg[2]), int64(arg[3]), data)
	} else {
		args := []int64{int64(arg[2]), int64(arg[3])} // as many as stand in the upper half of the op
		result, err = b.rom.rom(int(arg[0]&0xff), int(arg[1]), args[:min(arg[0]>>8, 2)], data)
	}
	if errors.Is(err, flashsim.ErrCut) {
		b.end(reset{off: true, why: "the power was cut in a flash operation"})
	}
	return result, err
}

// userTrace drops firmware.py's own frames, and gives commands the name that a board gives them.
func (b *Board) userTrace(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, `  File "`+firmwareModule+`.py"`) {
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

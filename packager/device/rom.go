package device

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/adler32"
	"hash/crc32"
	"strconv"
	"strings"
	"time"

	"rules_romfs/packager/board"
	"rules_romfs/packager/port"
	"rules_romfs/packager/repl"
)

// A caller runs commands of the loaded program on the board: a *session, or a
// *plainCaller where the firmware lacks what a session needs.
type caller interface {
	Call(ctx context.Context, kind byte, payload []byte, limit time.Duration) ([]byte, error)
	Load(ctx context.Context, source string) error
	serve(ctx context.Context) error // before the first Call
	Chunk() int
}

// A ROM is one partition of a connected board, ready to be read and written.
type ROM struct {
	Segment
	call   caller
	has    Features
	buffer int
	// Wait bounds an erase of n bytes on the slowest flash that is in use.
	Wait func(n int64) time.Duration
}

// eraseWait is 10 seconds and 400 ms for each 4 KiB: the longest that data sheets
// of serial NOR flash give for erasing a sector. A 24 MiB partition may so take
// 41 minutes, though most take a tenth of it; a board that restarted in the middle
// of a few blocks is asked what it is after seconds.
func eraseWait(n int64) time.Duration {
	return 10*time.Second + time.Duration((n+4095)/4096)*400*time.Millisecond
}

// plenty is the size of frames, in bytes, from which on a board has the memory to compile
// the program in one piece.
const plenty = 4096

// openROM loads the program that reads and writes seg. buffer is how many
// bytes of RAM on the board hold what is written next; a block device needs a
// whole block.
func openROM(ctx context.Context, call caller, info *Info, seg Segment, buffer int) (*ROM, error) {
	if seg.Err != nil {
		return nil, port.Failed("opening the ROM partition", seg.Err)
	}
	if buffer = max(buffer, blockBuffer(seg)); buffer == 0 {
		buffer = call.Chunk()
	}
	p := &ROM{Segment: seg, call: call, has: info.Has, buffer: buffer, Wait: eraseWait}
	parts := romProgram(info.Has, seg, buffer, call.Chunk())
	if call.Chunk() >= plenty {
		parts = []string{strings.Join(parts, "")} // each of them is an exchange
	}
	for _, part := range parts {
		if err := call.Load(ctx, part); err != nil {
			return nil, err
		}
	}
	return p, call.serve(ctx)
}

// romProgram returns what the board has to run before a partition can be read and
// written. All that it imports is there before the first erase.
func romProgram(has Features, seg Segment, buffer, chunk int) []string {
	reading := program(choices{"partition": seg.Index, "block_size": seg.Erase}, seg.reading()...)
	chosen := choices{}
	if seg.Kind == board.Memoryview {
		chosen["sliced"] = seg.Erase > 0
	}
	// The buffer comes first: it needs its memory in one piece. After that comes what
	// takes most memory to compile.
	return []string{
		program(choices{"buffer_size": buffer}, "buffer"),
		program(nil, "writing"),
		reading,
		program(chosen, seg.writing()),
		program(choices{"step": seg.step(chunk)}, has.hashing(), has.encoding(), "hashing", "reading"),
		program(nil, "loaded"),
	}
}

// step is how many bytes of a partition are read at a time. Reading from a block device
// takes RAM, at most so much.
func (s Segment) step(ram int) int64 {
	if s.Kind == board.BlockDevice {
		return min(s.Erase, max(int64(ram), 256))
	}
	return 1 << 16
}

// blockBuffer returns how many bytes of RAM writing takes at least: a whole block
// of a block device.
func blockBuffer(seg Segment) int {
	if seg.Kind == board.BlockDevice {
		return int(seg.Erase)
	}
	return 0
}

// HasSHA256 says whether digests are SHA-256; else they are 32-bit checksums,
// which find differences but prove nothing.
func (p *ROM) HasSHA256() bool { return p.has.SHA256 }

// check keeps every range inside the partition: some ports do not check.
func (p *ROM) check(off, n int64) error {
	if off < 0 || n < 0 || off > p.Size-n {
		return fmt.Errorf("internal error: range %d+%d is outside the partition of %d bytes", off, n, p.Size)
	}
	return nil
}

// readWait bounds reading or hashing n bytes: 20 KB/s is slower than any
// Python loop on a board, 50 ms a KB.
func readWait(n int64) time.Duration {
	return 10*time.Second + time.Duration(n/1024)*50*time.Millisecond
}

// ask runs one command, and names the partition in an error of it.
func (p *ROM) ask(ctx context.Context, kind byte, payload []byte, limit time.Duration) ([]byte, error) {
	out, err := p.call.Call(ctx, kind, payload, limit)
	var be *BoardError
	if errors.As(err, &be) {
		return nil, port.Failed(fmt.Sprintf("the board, on partition %d", p.Index), err)
	}
	return out, err
}

func (p *ROM) bytes(ctx context.Context, kind byte, command string, limit time.Duration, want int) ([]byte, error) {
	out, err := p.ask(ctx, kind, []byte(command), limit)
	if err != nil {
		return nil, err
	}
	b, err := p.has.decode(string(out), want)
	if err != nil {
		return nil, port.Failed("reading the board's answer", err)
	}
	return b, nil
}

// decode decodes bytes in an answer.
func (f Features) decode(text string, want int) (b []byte, err error) {
	if f.Base64 {
		b, err = base64.StdEncoding.DecodeString(text)
	} else {
		b, err = hex.DecodeString(text)
	}
	if err == nil && len(b) != want {
		err = fmt.Errorf("%d bytes, not %d", len(b), want)
	}
	return b, err
}

// Sum returns what the board's digest of b is.
func (p *ROM) Sum(b []byte) []byte {
	switch {
	case p.has.SHA256:
		sum := sha256.Sum256(b)
		return sum[:]
	case p.has.CRC32:
		return binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(b))
	}
	return binary.BigEndian.AppendUint32(nil, adler32.Checksum(b))
}

// SetBuffer changes how many bytes of RAM on the board hold what is written
// next; without enough memory there, it returns an error for which
// repl.OutOfMemory is true, and there is no buffer.
func (p *ROM) SetBuffer(ctx context.Context, n int64) error {
	if int(n) == p.buffer {
		return nil
	}
	_, err := p.ask(ctx, 'm', strconv.AppendInt(nil, n, 10), repl.AnswerLimit)
	p.buffer = int(n)
	if err != nil {
		p.buffer = 0
	}
	return err
}

// sumSize is the length of the board's digests.
func (p *ROM) sumSize() int {
	if p.has.SHA256 {
		return 32
	}
	return 4
}

// Hashes returns the first keep bytes of the digest of each piece of size
// bytes from off to end; the last piece may be shorter. It asks for as much at
// a time as is answered within seconds; progress is called with bytes done.
func (p *ROM) Hashes(ctx context.Context, off, end, size int64, keep int, progress func(n int64)) ([][]byte, error) {
	if err := p.check(off, end-off); err != nil {
		return nil, err
	}
	keep = min(keep, p.sumSize())
	batch := max(1, min(256<<10/size, int64(p.call.Chunk()/2/keep)))
	var all [][]byte
	for off < end {
		to := min(end, off+batch*size)
		n := int((to - off + size - 1) / size)
		b, err := p.bytes(ctx, 'h', fmt.Sprintf("%d %d %d %d", off, to, size, keep), readWait(to-off), n*keep)
		if errors.Is(err, port.ErrTimeout) && batch > 1 {
			batch = (batch + 1) / 2 // long answers do not come through whole
			continue
		}
		if err != nil {
			return nil, err
		}
		for ; len(b) > 0; b = b[keep:] {
			all = append(all, b[:keep:keep])
		}
		if progress != nil {
			progress(to - off)
		}
		off = to
	}
	return all, nil
}

// Digest returns the SHA-256 of n bytes from off. The board must have it.
func (p *ROM) Digest(ctx context.Context, off, n int64, progress func(n int64)) (sum [32]byte, err error) {
	if err := p.check(off, n); err != nil {
		return sum, err
	}
	const most = 256 << 10 // that is answered within seconds
	first := 1
	for ; n > most; n -= most {
		if _, err := p.ask(ctx, 'd', fmt.Appendf(nil, "%d %d %d 0", off, most, first), readWait(most)); err != nil {
			return sum, err
		}
		first = 0
		off += most
		if progress != nil {
			progress(most)
		}
	}
	b, err := p.bytes(ctx, 'd', fmt.Sprintf("%d %d %d 1", off, n, first), readWait(n), 32)
	copy(sum[:], b)
	if err == nil && progress != nil {
		progress(n)
	}
	return sum, err
}

// maxRead bounds how many bytes one answer brings: where the line changes
// some, a longer answer hardly ever comes through whole.
const maxRead = 4096

// Read returns n bytes from off.
func (p *ROM) Read(ctx context.Context, off, n int64, progress func(n int64)) ([]byte, error) {
	if err := p.check(off, n); err != nil {
		return nil, err
	}
	out := make([]byte, 0, n)
	batch := int64(min(p.call.Chunk()/2, maxRead))
	for n > 0 {
		k := min(n, batch)
		b, err := p.bytes(ctx, 'r', fmt.Sprintf("%d %d", off, k), readWait(k), int(k))
		if errors.Is(err, port.ErrTimeout) && batch > 16 {
			batch /= 2
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, b...)
		off += k
		n -= k
		if progress != nil {
			progress(k)
		}
	}
	return out, nil
}

// Ops is a sequence of operations for the board, see program/writing.py. A method
// adds one.
type Ops struct {
	b     []byte
	erase int64 // bytes
	touch bool
}

// opSize is the length of an operation without literal bytes.
const opSize = 9

func (o *Ops) add(op byte, x, n int64) *Ops {
	o.b = append(o.b, op)
	o.b = binary.LittleEndian.AppendUint32(o.b, uint32(x))
	o.b = binary.LittleEndian.AppendUint32(o.b, uint32(n))
	return o
}

func (o *Ops) change(op byte, x, n int64) *Ops {
	o.touch = true
	return o.add(op, x, n)
}

// Put places literal bytes at offset at of the buffer.
func (o *Ops) Put(at int64, b []byte) *Ops {
	o.add('l', at, int64(len(b)))
	o.b = append(o.b, b...)
	return o
}

// Copy copies n bytes of flash from off into the buffer: behind what Put or
// Copy put there last, or to its start if that was before the last Write.
func (o *Ops) Copy(off, n int64) *Ops { return o.add('c', off, n) }

// EraseRange erases n bytes at off; not on block devices.
func (o *Ops) EraseRange(off, n int64) *Ops { o.erase += n; return o.change('e', off, n) }

// Write writes the first n bytes of the buffer to off. A block device erases
// the block first, and takes whole ones only.
func (o *Ops) Write(off, n int64) *Ops { o.erase += n; return o.change('w', off, n) }

// Program is Write without erasing.
func (o *Ops) Program(off, n int64) *Ops { return o.change('p', off, n) }

// Touch tells whether any of the operations changes the flash.
func (o *Ops) Touch() bool { return o.touch }

// Len returns the length of the encoded operations in bytes.
func (o *Ops) Len() int { return len(o.b) }

// Run has the board carry the operations out. They must fit one frame.
func (p *ROM) Run(ctx context.Context, o *Ops) ([]byte, error) {
	if err := o.within(p); err != nil {
		return nil, err
	}
	limit := 10 * time.Second
	if o.erase > 0 {
		limit = max(limit, p.Wait(o.erase))
	}
	return p.ask(ctx, 'b', o.b, limit)
}

// Free returns how many literal bytes fit into o beside so many operations more,
// for Run to take it.
func (p *ROM) Free(o *Ops, operations int) int { return p.Chunk() - o.Len() - operations*opSize }

// within checks every range that the operations name.
func (o *Ops) within(p *ROM) error {
	for b := o.b; len(b) > 0; {
		x := int64(binary.LittleEndian.Uint32(b[1:]))
		n := int64(binary.LittleEndian.Uint32(b[5:]))
		op := b[0]
		b = b[opSize:]
		if op == 'l' {
			if x+n > int64(p.buffer) {
				return fmt.Errorf("internal error: literal %d+%d is outside the buffer of %d bytes", x, n, p.buffer)
			}
			b = b[n:]
			continue
		}
		if err := p.check(x, n); err != nil {
			return err
		}
		if (op == 'w' || op == 'p') && n > int64(p.buffer) {
			return fmt.Errorf("internal error: a write of %d bytes from a buffer of %d", n, p.buffer)
		}
	}
	return nil
}

// Chunk returns the largest sequence of operations in bytes that Run takes.
func (p *ROM) Chunk() int { return p.call.Chunk() }

// Unmount takes the partition's file system out of use, if it is mounted where
// firmware mounts it.
func (p *ROM) Unmount(ctx context.Context) error {
	if p.Index != 0 {
		return nil
	}
	_, err := p.ask(ctx, 'u', nil, repl.AnswerLimit)
	return err
}

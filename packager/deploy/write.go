package deploy

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"

	"rules_romfs/internal/lazyregexp"
	"rules_romfs/packager/board"
	"rules_romfs/packager/deploy/flash"
	"rules_romfs/packager/device"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

// write carries a plan out: step 5. Until its last operation, no image mounts.
func (j *job) write(ctx context.Context, rom *device.ROM, p *plan) error {
	if err := j.req.Cache.put(j.digest, j.req.Image, j.req.Sidecar); err != nil {
		j.warn("the image could not be kept for the next deploy: %v", err)
	}
	if !j.wrote {
		j.warnCore()
	}
	for {
		err := j.writeOnce(ctx, rom, p)
		switch err := err.(type) {
		case *VerifyError:
			if j.result.Healed {
				return err
			}
			// Heal once: everything anew, and nothing copied from the board.
			j.warn("%v; writing everything once more", err)
			j.result.Healed, j.full = true, true
		case *otherGeometry:
			if err := j.adapt(err); err != nil {
				return err
			}
		default:
			return err
		}
		if p, err = j.compare(ctx, rom); err != nil {
			return err
		}
	}
}

// An otherGeometry is what the firmware says to the first operations, where that
// is not what was known: a larger unit, or that it does not program again what
// is programmed.
type otherGeometry struct {
	unit int64 // 0: the same
	said error
}

func (e *otherGeometry) Error() string { return e.said.Error() }
func (e *otherGeometry) Unwrap() error { return e.said }

// adapt goes on with the geometry that the firmware asks for.
func (j *job) adapt(e *otherGeometry) error {
	if e.unit > 0 {
		j.warnOnce("%s: the firmware writes partition %d by %d bytes, not by %d as %s; going by the firmware", j.b.Port, j.seg.Index, e.unit, j.geo.Unit, j.source())
		j.geo = j.geo.WithUnit(e.unit)
	} else {
		j.warnOnce("%s: the firmware does not program again what is programmed (%v); going by that", j.b.Port, e.said)
		j.geo = j.geo.Once()
	}
	j.setData()
	return j.checkPartition()
}

// source says where the geometry is from.
func (j *job) source() string {
	if j.part != nil {
		return "the profile of " + j.req.Board.ID + " says"
	}
	return "is usual (a profile, --board, would tell)"
}

func (j *job) writeOnce(ctx context.Context, rom *device.ROM, p *plan) error {
	if err := rom.Unmount(ctx); err != nil {
		return err
	}
	var total int64
	for _, g := range p.groups {
		total += g.end - g.off
	}
	task := j.req.Reporter.Task(j.b.Port+": writing", total, report.Bytes)
	w := &writer{rom: rom, plan: p, geo: p.geo, data: j.data, image: flash.Before(p.geo.Way, j.data), port: j.b.Port, result: j.result, info: j.info, task: task}
	err := w.all(ctx)
	j.wrote = j.wrote || w.touched
	if err != nil {
		task.Fail(err)
		if j.seg.Erase == 0 && j.part == nil && w.refused == "rom_ioctl(3" {
			return j.readOnly("vfs.rom_ioctl refuses operations 3 and 6")
		}
		return err
	}
	task.Done()
	return nil
}

// A writer writes one plan.
type writer struct {
	rom    *device.ROM
	plan   *plan
	geo    *flash.Geometry
	data   []byte // the image, and what must follow it
	image  []byte // the same with the hole
	port   string
	result *Result
	info   func(format string, args ...any)
	task   report.Task

	ops    device.Ops // collected, not yet run
	done   int64      // bytes of the image that they write
	erases int64      // bytes that they erase
	clears bool       // they begin with an erase

	touched bool   // something may have been changed
	refused string // operation that the firmware refused before that
	asked   bool   // the unit that the firmware reports is known
}

func (w *writer) all(ctx context.Context) error {
	if err := w.rom.SetBuffer(ctx, cmp.Or(w.plan.buffer, w.streamSize())); err != nil {
		return err
	}
	if err := w.invalidate(ctx); err != nil {
		return err
	}
	for _, g := range w.plan.groups {
		if err := w.group(ctx, g); err != nil {
			return err
		}
	}
	if err := w.flush(ctx); err != nil {
		return err
	}
	if err := w.verify(ctx, w.geo.Way.Hole().Size, w.image, "before the header was written"); err != nil {
		return err
	}
	if err := w.commit(ctx); err != nil {
		return err
	}
	return w.verify(ctx, 0, w.data, "after writing")
}

// group writes one group, in the way that its cells and the board's memory allow.
func (w *writer) group(ctx context.Context, g *group) error {
	switch {
	case w.geo.Erasing == flash.FromStart:
		return w.prefix(ctx, g)
	case w.plan.buffer > 0:
		return w.assemble(ctx, g)
	}
	return w.stream(ctx, g)
}

// invalidate makes the old image unmountable where that takes no erase. Where neither a
// profile nor the port tells the unit of writing, this may be too small a write: only an erase
// tells more, and that comes after it. What is refused has changed nothing.
func (w *writer) invalidate(ctx context.Context) error {
	head, err := w.rom.Read(ctx, 0, min(w.geo.Unit, w.geo.Size), nil)
	if err != nil {
		return err
	}
	b := w.geo.Way.Invalidate(head)
	if b == nil || !bytes.HasPrefix(head, []byte(romfs.Magic)) {
		return nil
	}
	err = w.program(ctx, b)
	if w.refused != "" && w.geo.Erasing != flash.Never {
		return &otherGeometry{said: err}
	}
	return err
}

// commit programs the smallest piece that makes the image mountable.
func (w *writer) commit(ctx context.Context) error {
	return w.program(ctx, w.geo.Way.Commit(w.data))
}

// program programs b at the partition's start, now.
func (w *writer) program(ctx context.Context, b []byte) error {
	if err := w.put(ctx, 0, b); err != nil {
		return err
	}
	if err := w.room(ctx, 1, 0, 0); err != nil {
		return err
	}
	w.ops.Program(0, int64(len(b)))
	if w.rewrites() {
		w.wear(int64(len(b)))
	}
	return w.flush(ctx)
}

// verify compares the board's bytes from offset from on with want.
func (w *writer) verify(ctx context.Context, from int64, want []byte, when string) error {
	w.task.Doing("comparing")
	same, err := holds(ctx, w.rom, from, want)
	if err == nil && !same {
		err = &VerifyError{fmt.Sprintf("%s: what the board holds is not the image (%s)", w.port, when)}
	}
	return err
}

// batch bounds how much one command erases, so that it answers within seconds.
const batch = 32 << 10

// room makes room for so many operations more, with literal bytes, that erase e
// bytes.
func (w *writer) room(ctx context.Context, ops, literal int, e int64) error {
	if w.ops.Len() > 0 && (w.rom.Free(&w.ops, ops) < literal || w.erases+e > batch) {
		return w.flush(ctx)
	}
	return nil
}

func (w *writer) flush(ctx context.Context) error {
	if w.ops.Len() == 0 {
		return nil
	}
	w.task.Doing(w.doing())
	said, err := w.rom.Run(ctx, &w.ops)
	if err != nil {
		w.note(err)
		return err
	}
	w.touched = w.touched || w.ops.Touch()
	if unit, err := strconv.ParseInt(string(said), 10, 64); err == nil {
		w.asked = true
		if unit > w.geo.Unit {
			return &otherGeometry{unit: unit, said: fmt.Errorf("the firmware writes %d bytes at a time", unit)}
		}
	}
	w.task.Add(w.done)
	w.ops, w.done, w.erases, w.clears = device.Ops{}, 0, 0, false
	return nil
}

// doing is what the board does now with the operations.
func (w *writer) doing() string {
	switch {
	case w.clears && w.done == 0:
		return "erasing"
	case w.clears:
		return "erasing and writing"
	}
	return "writing"
}

// note keeps what the first operation on the flash ended with. What the firmware
// refuses has changed nothing.
func (w *writer) note(err error) {
	var said *device.BoardError
	op := ""
	if errors.As(err, &said) && !w.touched {
		op = refusal().FindString(said.Message)
	}
	if w.refused = op; op == "" {
		w.touched = w.touched || w.ops.Touch()
	}
}

// refusal is in the message of a board whose rom_ioctl or block device refused an
// operation.
var refusal = lazyregexp.New(`(rom_ioctl\([34]|writeblocks)`)

// erase erases a range. The first time it waits for what the firmware says, which
// is the smallest write, before anything is written.
func (w *writer) erase(ctx context.Context, off, n int64) error {
	w.clear(off, n)
	if w.asked || w.rom.Kind == board.BlockDevice {
		return nil
	}
	return w.flush(ctx)
}

// clear adds the erase of a range.
func (w *writer) clear(off, n int64) {
	w.announce(n)
	w.ops.EraseRange(off, n)
	w.wear(n)
	w.clears = true
}

// assemble puts a group together in the board's RAM, then writes it as one.
func (w *writer) assemble(ctx context.Context, g *group) error {
	n, err := w.gather(ctx, g)
	if err != nil {
		return err
	}
	if err := w.room(ctx, 2, 0, g.len); err != nil {
		return err
	}
	if w.geo.Erasing == flash.EachBlock {
		if err := w.erase(ctx, g.off, g.len); err != nil {
			return err
		}
	}
	w.writeBuffer(w.base(g), n)
	w.erases += g.len
	w.done += g.end - g.off
	if g.len > batch {
		return w.flush(ctx)
	}
	return nil
}

// gather puts a group together in the board's RAM and returns its length there.
func (w *writer) gather(ctx context.Context, g *group) (int64, error) {
	base := w.base(g)
	for _, p := range g.pieces {
		if skip := base - p.dst; skip > 0 {
			if skip >= p.n {
				continue
			}
			p.dst, p.n = p.dst+skip, p.n-skip
			if p.src >= 0 {
				p.src += skip
			}
		}
		if p.src < 0 {
			if err := w.put(ctx, p.dst-base, w.image[p.dst:p.dst+p.n]); err != nil {
				return 0, err
			}
			w.result.Literal += p.n
			continue
		}
		if err := w.room(ctx, 1, 0, 0); err != nil {
			return 0, err
		}
		w.ops.Copy(p.src, p.n)
		w.result.Copied += p.n
	}
	if g.off == 0 && base == 0 {
		// Copies may have brought a magic along.
		if err := w.put(ctx, 0, w.image[:w.geo.Way.Hole().Size]); err != nil {
			return 0, err
		}
	}
	end := w.geo.Padded(g.end)
	if w.geo.Erasing == flash.ByWrite {
		end = g.off + g.len
	}
	return end - base, w.put(ctx, g.end-base, bytes.Repeat([]byte{0xff}, int(end-g.end)))
}

// base is where the writing of a group begins: behind the hole, where that
// must stay erased.
func (w *writer) base(g *group) int64 { return base(w.geo, g) }

func base(geo *flash.Geometry, g *group) int64 {
	if h := geo.Way.Hole(); g.off == 0 && h.Virgin {
		return min(h.Size, g.end)
	}
	return g.off
}

// put adds literal bytes to the buffer, in as many commands as they take.
func (w *writer) put(ctx context.Context, at int64, b []byte) error {
	for len(b) > 0 {
		// A literal of a few bytes in a frame of its own is a waste.
		if w.rom.Free(&w.ops, 1) < min(len(b), 64) {
			if err := w.flush(ctx); err != nil {
				return err
			}
		}
		n := min(len(b), w.rom.Free(&w.ops, 1))
		w.ops.Put(at, b[:n])
		b = b[n:]
		at += int64(n)
	}
	return nil
}

// streamSize is how much is written at a time without a buffer for a group.
func (w *writer) streamSize() int64 {
	n := min(int64(w.rom.Free(&device.Ops{}, 3)), 4096)
	return max(n/w.geo.Unit*w.geo.Unit, w.geo.Unit)
}

// stream erases a group, then writes it piece by piece as it arrives.
func (w *writer) stream(ctx context.Context, g *group) error {
	if w.geo.Erasing != flash.Never {
		if err := w.flush(ctx); err != nil {
			return err
		}
		w.clear(g.off, g.len)
		if err := w.flush(ctx); err != nil {
			return err
		}
	}
	return w.send(ctx, w.base(g), g.end)
}

// send writes a range of erased cells piece by piece as it arrives.
func (w *writer) send(ctx context.Context, at, end int64) error {
	size := w.streamSize()
	for at < end {
		n := min(size, end-at)
		b := w.image[at : at+n : at+n]
		b = append(b, bytes.Repeat([]byte{0xff}, int(w.geo.Padded(n)-n))...)
		if err := w.room(ctx, 2, len(b), 0); err != nil {
			return err
		}
		if err := w.put(ctx, 0, b); err != nil {
			return err
		}
		w.writeBuffer(at, int64(len(b)))
		w.done += n
		w.result.Literal += n
		at += n
	}
	return w.flush(ctx)
}

// writeBuffer writes the first n bytes of the buffer. Writing to a block device
// erases whole blocks, unless it is told where in a block to write.
func (w *writer) writeBuffer(at, n int64) {
	if w.rom.Kind == board.BlockDevice && w.geo.Erasing == flash.EachBlock {
		w.ops.Program(at, n)
		return
	}
	w.ops.Write(at, n)
	if w.geo.Erasing == flash.ByWrite || w.rewrites() {
		w.wear(n)
	}
}

// rewrites tells whether any write costs an erase.
func (w *writer) rewrites() bool {
	_, ok := w.geo.Way.(flash.Rewritten)
	return ok
}

// wear counts the erases of n bytes.
func (w *writer) wear(n int64) {
	block := w.geo.Erase
	if block <= 1 {
		block = w.plan.block
	}
	w.result.Erased += int((n + block - 1) / block)
}

// announce says that a long erase begins, and how long it may take: the board
// is silent meanwhile.
func (w *writer) announce(n int64) {
	if n <= 1<<20 || w.geo.Erasing == flash.Never {
		return
	}
	w.info("%s: erasing %s in one go, as this firmware only can; it may take up to %v, without a sign from the board",
		w.port, report.Size(n), w.rom.Wait(n))
}

package simboard

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// What calls return, as negative errnos and as codes for firmware.py.
const (
	einval     = -22
	eio        = -5
	returnNone = -1000 // None, as most writeblocks do
	raiseEIO   = -1001 // OSError(EIO)
)

// The operations on a block device's segment, as firmware.py encodes them.
const (
	blkSync  = 3
	blkCount = 4
	blkSize  = 5
	blkErase = 6
	blkWrite = 100 // writeblocks(n, buf): erases, then programs
	blkPatch = 101 // writeblocks(n, buf, offset): programs only
)

// A driver is the board's rom_ioctl and its block devices: what the C code of
// a port does between Python and the flash.
type driver struct {
	flash *flash
	opts  *Options
	calls map[string]int
	rand  *rand.Rand
	busy  func(time.Duration) error // takes time; an error ends the call, as the power does
	hang  func() error              // never returns until the interpreter ends
}

// fails counts the calls of an op and says whether Faults.Fail hits this one.
func (d *driver) fails(op string) bool {
	d.calls[op]++
	return d.opts.Faults.Fail == op && d.calls[op] >= max(1, d.opts.Faults.FailFrom)
}

// rom is vfs.rom_ioctl(op, id, a, b) of the ports whose segments are
// memoryviews; b is -1 when there was no fourth argument.
func (d *driver) rom(op, id int, a, b int64, data []byte) (int, error) {
	if d.fails(strconv.Itoa(op)) {
		return einval, nil
	}
	if op == 1 {
		return len(d.flash.layout), nil
	}
	if id < 0 || id >= len(d.flash.layout) {
		return einval, nil
	}
	p := d.flash.layout[id]
	if op == 2 {
		return id, nil
	}
	if p.BlockDevice || p.ReadOnly {
		return einval, nil
	}
	switch op {
	case 3:
		return d.prepare(id, a, b)
	case 4:
		return d.write(id, a, data)
	case 6:
		if d.old(id) {
			return einval, nil
		}
		return int(p.Erase), nil
	}
	return einval, nil
}

// old says whether the partition's driver predates op 6.
func (d *driver) old(id int) bool {
	return d.opts.Generation == Old || d.flash.layout[id].NoEraseUnit
}

// prepare is op 3: (id, len), or (id, offset, len) where there is an op 6.
func (d *driver) prepare(id int, a, b int64) (int, error) {
	p := d.flash.layout[id]
	off, n := int64(0), a
	if b >= 0 && !d.old(id) {
		off, n = a, b
	}
	if off < 0 || n < 0 || off+n > p.Size && !d.flash.noRange(id) {
		return einval, nil
	}
	if p.Medium == MRAM {
		return int(p.Write), nil
	}
	return reportedWrite(p.Partition), d.flash.erase(id, off, n, d.busy)
}

// reportedWrite is the smallest write as the driver reports it, which for
// stm32's internal flash is 16 although the words may have 32 bytes.
func reportedWrite(p Partition) int {
	if p.Medium == ECC {
		return 16
	}
	return int(p.Write)
}

// write is op 4.
func (d *driver) write(id int, off int64, data []byte) (int, error) {
	p := d.flash.layout[id]
	n := int64(len(data))
	if off < 0 || off+n > p.Size && !d.flash.noRange(id) {
		return einval, nil
	}
	if d.opts.Faults.Unaligned && (off%p.Write != 0 || n%p.Write != 0) {
		return einval, nil
	}
	if d.opts.Faults.ShortHangs && n%p.Write != 0 {
		return 0, d.hang()
	}
	switch p.Medium {
	case ECC: // whole words of 4 bytes are taken, and programmed by units
		if off%p.Write != 0 {
			return eio, nil
		}
		data = pad(data[:n-n%4], p.Write, func() byte { return 0xff })
	case MRAM: // whole units are taken, whatever lies behind a short buffer
		if off%p.Write != 0 {
			return eio, nil
		}
		data = pad(data, p.Write, func() byte { return byte(d.rand.Uint32()) })
	}
	return 0, d.flash.program(id, off, data, d.busy)
}

// pad lengthens data to a multiple of unit.
func pad(data []byte, unit int64, fill func() byte) []byte {
	for int64(len(data))%unit != 0 {
		data = append(data, fill())
	}
	return data
}

// block is a block device's ioctl(op, n) and writeblocks(n, data[, off]).
func (d *driver) block(id, op int, n, off int64, data []byte) (int, error) {
	p := d.flash.layout[id]
	inRange := func(at, n int64) bool { return at >= 0 && at+n <= p.Size || d.flash.noRange(id) && at >= 0 }
	switch op {
	case blkSync:
		return 0, nil
	case blkCount:
		if d.fails("count") {
			return returnNone, nil
		}
		return int(p.Size / p.Erase), nil
	case blkSize:
		if d.fails("size") {
			return returnNone, nil
		}
		return int(p.Erase), nil
	case blkErase:
		if d.fails("erase") || !inRange(n*p.Erase, p.Erase) {
			return eio, nil
		}
		if d.opts.Faults.WrongErase {
			d.flash.harm("block %d of the other file system was erased", n)
			return 0, nil
		}
		return 0, d.flash.erase(id, n*p.Erase, p.Erase, d.busy)
	case blkWrite, blkPatch:
		at := n*p.Erase + off
		if d.fails("write") || off < 0 || !inRange(at, int64(len(data))) {
			return raiseEIO, nil
		}
		if op == blkWrite {
			if err := d.flash.erase(id, at, int64(len(data)), d.busy); err != nil {
				return 0, err
			}
		}
		return returnNone, d.flash.program(id, at, data, d.busy)
	}
	return returnNone, nil
}

package simboard

import (
	"math/rand/v2"
	"strconv"

	"rules_romfs/packager/simboard/drivers"
	"rules_romfs/packager/simboard/flashsim"
)

// The operations on a block device's segment, as the firmware encodes them.
const (
	blkSync  = 3
	blkCount = 4
	blkSize  = 5
	blkErase = 6
	blkWrite = 100 // writeblocks(n, buf)
	blkPatch = 101 // writeblocks(n, buf, offset)
)

// A romIoctl is the board's vfs.rom_ioctl and its block devices: the calls from
// Python on their way to the drivers of the partitions.
type romIoctl struct {
	opts     *Options
	segments []romSegment
	calls    map[string]int
}

type romSegment struct {
	*drivers.Segment
	driver *drivers.Driver
	mapped drivers.Mapped // nil: ops 3 to 6 are not for it
	blocks drivers.Blocks // nil: it is no block device
}

func newROMIoctl(o *Options, flash *flashsim.Flash, chance *rand.Rand) *romIoctl {
	d := &romIoctl{opts: o, calls: map[string]int{}}
	for i, p := range o.Partitions {
		driver, _ := drivers.Lookup(p.Driver) // setDefaults has looked
		s := &drivers.Segment{Flash: flash, Part: i, Size: p.Size, Erase: p.Erase, Old: o.Generation == Old, Rand: chance}
		d.segments = append(d.segments, romSegment{s, driver, driver.Mapped(s), driver.Device(s)})
	}
	return d
}

// onHang says what an operation does that never returns.
func (d *romIoctl) onHang(hang func() error) {
	for _, s := range d.segments {
		s.Hang = hang
	}
}

// fails counts the calls of an op and says whether Faults.Fail hits this one.
func (d *romIoctl) fails(op string) bool {
	d.calls[op]++
	return d.opts.Faults.Fail == op && d.calls[op] >= max(1, d.opts.Faults.FailFrom)
}

// rom is vfs.rom_ioctl(op, id, args...), of which data is the last one of op 4.
func (d *romIoctl) rom(op, id int, args []int64, data []byte) (int, error) {
	if d.fails(strconv.Itoa(op)) {
		return drivers.EINVAL, nil
	}
	if op == 1 {
		return len(d.segments), nil
	}
	if len(d.segments) == 1 && d.segments[0].driver.AnyID {
		id = 0
	}
	if id < 0 || id >= len(d.segments) {
		return drivers.EINVAL, nil
	}
	s := d.segments[id]
	switch {
	case op == 2:
		return id, nil
	case s.mapped == nil:
		return drivers.EINVAL, nil
	case op == 3 && len(args) > 0:
		return s.mapped.Prepare(args...)
	case op == 4 && len(args) > 0:
		word := s.driver.Cells.Word
		if d.opts.Faults.Unaligned && (args[0]%word != 0 || int64(len(data))%word != 0) {
			return drivers.EINVAL, nil
		}
		return s.mapped.Write(args[0], data)
	case op == 6:
		return s.mapped.MinPrepare()
	}
	return drivers.EINVAL, nil
}

// block is a block device's ioctl(op, n) and writeblocks(n, data[, off]).
func (d *romIoctl) block(id, op int, n, off int64, data []byte) (int, error) {
	if id < 0 || id >= len(d.segments) || d.segments[id].blocks == nil {
		return drivers.ReturnNone, nil
	}
	s := d.segments[id]
	switch op {
	case 1, 2, blkSync:
		return 0, nil
	case blkCount:
		if d.fails("count") {
			return drivers.ReturnNone, nil
		}
		return int(s.Size / s.Erase), nil
	case blkSize:
		if d.fails("size") {
			return drivers.ReturnNone, nil
		}
		return int(s.Erase), nil
	case blkErase:
		if d.fails("erase") {
			return drivers.EIO, nil
		}
		return s.blocks.EraseBlock(n)
	case blkWrite, blkPatch:
		if d.fails("write") {
			return drivers.RaiseEIO, nil
		}
		if op == blkPatch {
			return s.blocks.Patch(n, data, off)
		}
		return s.blocks.WriteBlocks(n, data)
	}
	return drivers.ReturnNone, nil
}

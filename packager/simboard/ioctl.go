package simboard

import "errors"

// errnos, as rom_ioctl returns them (negative).
const (
	einval = -22
	eio    = -5
	none   = -1000 // tells firmware.py to return None
)

// romIoctl is vfs.rom_ioctl(op, id, a, b): the driver of the memoryview ports.
// b is -1 when the call had no fourth argument.
func (b *Board) romIoctl(op, id int, a, d int64, data []byte) (int, error) {
	if op == 1 {
		return len(b.flash.layout), nil
	}
	if id < 0 || id >= len(b.flash.layout) {
		return einval, nil
	}
	p := b.flash.layout[id]
	if op == 2 {
		return id, nil
	}
	if p.BlockDevice || p.ReadOnly {
		return einval, nil
	}
	switch op {
	case 3:
		return b.prepare(id, a, d)
	case 4:
		if a < 0 || a+int64(len(data)) > p.Size {
			return einval, nil
		}
		return result(b.flash.program(id, a, data), 0)
	case 6:
		if b.opts.Generation == Old {
			return einval, nil
		}
		return int(p.Erase), nil
	}
	return einval, nil
}

// prepare is op 3: (id, len), or (id, offset, len) in current firmware.
func (b *Board) prepare(id int, a, d int64) (int, error) {
	p := b.flash.layout[id]
	off, n := int64(0), a
	if d >= 0 && b.opts.Generation == Current {
		off, n = a, d
	}
	if off < 0 || n < 0 || off+n > p.Size {
		return einval, nil
	}
	if p.Medium == MRAM {
		return int(p.Write), nil
	}
	return result(b.flash.erase(id, off, n), int(p.Write))
}

// The operations on a block device's segment, as firmware.py encodes them.
const (
	blkErase     = 6   // ioctl(6, n)
	blkWrite     = 100 // writeblocks(n, buf): erases, then programs
	blkWriteOnly = 101 // writeblocks(n, buf, offset): programs only
)

// blockDevice is a block device's ioctl and writeblocks.
func (b *Board) blockDevice(id, op int, n, off int64, data []byte) (int, error) {
	p := b.flash.layout[id]
	switch op {
	case blkErase:
		if n < 0 || (n+1)*p.Erase > p.Size {
			return eio, nil
		}
		return result(b.flash.erase(id, n*p.Erase, p.Erase), 0)
	case blkWrite, blkWriteOnly:
		at := n*p.Erase + off
		if n < 0 || off < 0 || at+int64(len(data)) > p.Size {
			return eio, nil
		}
		if op == blkWrite {
			if err := b.flash.erase(id, at, int64(len(data))); err != nil {
				return result(err, 0)
			}
		}
		return result(b.flash.program(id, at, data), none)
	case 3: // sync
		return 0, nil
	}
	return none, nil
}

// result turns a flash error into what a driver returns; a power cut stays an error.
func result(err error, ok int) (int, error) {
	switch {
	case err == nil:
		return ok, nil
	case errors.Is(err, errCut):
		return 0, err
	default:
		return eio, nil
	}
}

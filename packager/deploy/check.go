package deploy

import (
	"bytes"
	"fmt"
	"path"
	"strconv"
	"strings"

	"rules_romfs/packager/board"
	"rules_romfs/packager/device"
	"rules_romfs/packager/mpy"
	"rules_romfs/packager/port"
	"rules_romfs/packager/romfs"
)

func incompatible(format string, args ...any) error {
	return &IncompatibleError{fmt.Sprintf(format, args...)}
}

// preflight refuses what cannot work, before anything is erased.
func (d *deployer) preflight() error {
	info := d.b.Info
	d.result.Machine = info.Machine
	d.result.Firmware = strings.TrimSpace(info.Name + " " + info.Version)
	if err := d.findPartition(); err != nil {
		return err
	}
	d.result.Partition, d.result.Size = d.seg.Index, d.seg.Size
	d.data = d.Image
	if d.terminated() {
		d.data = append(bytes.Clone(d.Image), 0)
	}
	if err := d.checkBoard(); err != nil {
		return err
	}
	if err := d.checkPartition(); err != nil {
		return err
	}
	if err := d.checkMPY(); err != nil {
		return err
	}
	if len(info.Threads) > 0 && !d.DryRun && !d.VerifyOnly {
		return incompatible("%s: boot.py imports %s from /rom, which uses _thread: its threads would run from flash that is being erased; take the import out of boot.py, or start the thread in main.py",
			d.b.Port, strings.Join(info.Threads, ", "))
	}
	return nil
}

// warnModules warns of what boot.py may have left running.
func (d *deployer) warnModules() {
	if from := d.b.Info.FromROM; len(from) > 0 {
		d.warn("%s: boot.py imports %s from /rom; if it leaves timers or callbacks behind, they run from flash that is being changed",
			d.b.Port, strings.Join(from, ", "))
	}
}

// findPartition chooses the partition and looks for it on the board.
func (d *deployer) findPartition() error {
	seg, part, err := FindPartition(d.b, d.Board, d.wantedPartition())
	d.seg, d.part = seg, part
	if err != nil {
		return err
	}
	d.medium = mediumOf(d.b.Info, d.seg, d.part)
	d.medium.careless = d.careless
	d.erase = d.seg.Erase
	if d.erase == 0 && d.part != nil && d.part.Erase > 1 {
		d.erase = d.part.Erase
	}
	return nil
}

func (d *deployer) wantedPartition() string {
	switch {
	case d.Partition != "":
		return d.Partition
	case d.Sidecar != nil && d.Sidecar.Partition != nil:
		return strconv.Itoa(d.Sidecar.Partition.Index)
	}
	return ""
}

// FindPartition returns the partition of b that name means: a name of the
// profile, or an index, or "" for the first. The profile's part is nil where
// it knows nothing.
func FindPartition(b *device.Board, profile *board.Profile, name string) (device.Segment, *board.Partition, error) {
	var none device.Segment
	var part *board.Partition
	index := 0
	if profile != nil && profile.NoROM == "" {
		p, err := profile.Partition(name)
		if err == nil {
			part, index = p, p.Index
		} else if index, err = strconv.Atoi(name); err != nil {
			return none, nil, incompatible("%s has no partition %q", profile.ID, name)
		}
	} else if name != "" {
		var err error
		if index, err = strconv.Atoi(strings.TrimPrefix(name, "romfs")); err != nil {
			return none, nil, incompatible("partition %q: without a board profile, give its index", name)
		}
	}
	switch {
	case !b.Info.Has.ROMFS:
		return none, nil, incompatible("%s: its firmware (%s %s, %s) has no vfs.rom_ioctl: ROMFS is not enabled in it",
			b.Port, b.Info.Name, b.Info.Version, b.Info.Machine)
	case len(b.Segments) == 0:
		return none, nil, incompatible("%s: its firmware has no ROM partition (%s)", b.Port, b.Info.Machine)
	case index < 0 || index >= len(b.Segments):
		return none, nil, incompatible("%s: there is no partition %d; the board has %d", b.Port, index, len(b.Segments))
	}
	seg := b.Segments[index]
	if seg.Err != nil {
		return none, nil, &port.TransferError{Op: "looking for partition " + strconv.Itoa(index), Err: seg.Err}
	}
	return seg, part, nil
}

// checkBoard compares the machine with the profile.
func (d *deployer) checkBoard() error {
	if d.Board == nil || d.AnyBoard {
		return nil
	}
	if d.Board.NoROM != "" {
		return incompatible("%s has no ROM partition: %s", d.Board.ID, d.Board.NoROM)
	}
	matched := len(d.Board.Machines) == 0
	for _, pattern := range d.Board.Machines {
		if ok, err := path.Match(pattern, d.b.Info.Machine); err == nil && ok {
			matched = true
		}
	}
	if !matched {
		return incompatible("%s: the board is %q, but the image is for %s (%s); --any-board deploys all the same",
			d.b.Port, d.b.Info.Machine, d.Board.ID, strings.Join(d.Board.Machines, ", "))
	}
	if d.otherCore() && !d.part.CoreIdle && !d.VerifyOnly {
		return incompatible("%s: the %s core runs from partition %s while it is written; stop that core first, then use --any-board, or use --via dfu",
			d.b.Port, d.part.Core, d.part.Name)
	}
	return nil
}

// otherCore tells whether the partition is the one that another core of the board
// mounts.
func (d *deployer) otherCore() bool {
	return d.part != nil && d.part.Core != "" && len(d.b.Segments) > 1 && d.seg.Index != 0
}

// warnCore warns of a core that sees its partition change. One that runs nothing
// from there by itself is no reason to refuse.
func (d *deployer) warnCore() {
	if d.otherCore() && d.part.CoreIdle {
		d.warn("%s: the %s core has partition %s mounted: what an application runs there meanwhile must not read from it, and it finds the new image when it starts anew; switch the board off and on",
			d.b.Port, d.part.Core, d.part.Name)
	}
}

// bigSlice is where slices of a memoryview overflow on 32-bit firmware.
const bigSlice = 16 << 20

func (d *deployer) checkPartition() error {
	size, seg := int64(len(d.Image)), d.seg
	switch {
	case seg.Size == 0:
		return incompatible("%s: partition %d has size 0", d.b.Port, seg.Index)
	case size > seg.Size:
		return incompatible("%s: the image has %d bytes, partition %d only %d", d.b.Port, size, seg.Index, seg.Size)
	case seg.Kind == device.Memory && seg.Size > bigSlice && !d.b.Info.Has.Uctypes && d.b.Info.WordBits == 32:
		return incompatible("%s: partition %d has more than 16 MiB, which this firmware cannot address without the uctypes module", d.b.Port, seg.Index)
	case seg.Kind == device.Blocks && (seg.Erase <= 0 || seg.Size%seg.Erase != 0):
		return incompatible("%s: partition %d says it has blocks of %d bytes", d.b.Port, seg.Index, seg.Erase)
	case d.medium.cells != overwritable && d.erase > 0 && roundUp(size, d.erase) > seg.Size:
		return incompatible("%s: erasing %d bytes in units of %d would reach beyond partition %d of %d bytes", d.b.Port, size, d.erase, seg.Index, seg.Size)
	case d.medium.unit > 0 && roundUp(size, d.medium.unit) > seg.Size:
		return incompatible("%s: writing %d bytes in units of %d would reach beyond partition %d of %d bytes", d.b.Port, size, d.medium.unit, seg.Index, seg.Size)
	}
	if torn := d.commitTears(); !torn.Safe() {
		d.warn("%s: should the power fail within the last write of %d bytes, the board may mount %s; layouts compact and stable have a header that avoids it if they are built for this board", d.b.Port, d.medium.unit, torn)
	}
	if d.part != nil && d.part.Size > 0 && d.part.Size != seg.Size {
		d.warn("%s: partition %d has %d bytes, not %d as the profile of %s says", d.b.Port, seg.Index, seg.Size, d.part.Size, d.Board.ID)
	}
	return nil
}

// terminated says whether a zero follows the image: an unused record, at which
// the driver stops, so that an image whose length reads too long shows nothing
// more. It is for media of which the commit holds the length, and may tear it.
func (d *deployer) terminated() bool {
	end := int64(len(d.Image)) + 1
	return d.medium.cells == ecc && roundUp(roundUp(end, d.medium.unit), max(d.erase, 1)) <= d.seg.Size
}

// commitTears tells what a board may mount if the power is cut within the very
// last write. Except on flash with ECC, nothing.
func (d *deployer) commitTears() romfs.Torn {
	if d.medium.cells != ecc {
		return romfs.Torn{}
	}
	m := romfs.Medium{Size: d.seg.Size, Unit: int(d.medium.unit), WordBits: d.b.Info.WordBits,
		Terminated: d.terminated()}
	if d.part != nil {
		// A simulated board has 64 bits, but stands for one that has 32.
		m.Base, m.WordBits = d.part.Base, 32
	}
	return romfs.TornCommit(d.Image, int64(len(d.Image)), m)
}

// checkMPY asks for every .mpy file of the image whether the firmware loads it.
func (d *deployer) checkMPY() error {
	image, err := romfs.Parse(d.Image)
	if err != nil {
		return err
	}
	abi := mpy.ParseABI(d.b.Info.MPY)
	if d.Board != nil {
		abi.SmallIntBits = d.Board.MPY.SmallIntBits
	}
	return d.checkDir(image, "", abi)
}

func (d *deployer) checkDir(image *romfs.Image, dir string, abi mpy.ABI) error {
	list, err := image.ReadDir(path.Join(".", dir))
	if err != nil {
		return err
	}
	for _, e := range list {
		name := path.Join(dir, e.Name())
		if e.IsDir() {
			if err := d.checkDir(image, name, abi); err != nil {
				return err
			}
			continue
		}
		if !strings.HasSuffix(name, ".mpy") {
			continue
		}
		content, err := image.ReadFile(name)
		if err != nil {
			return err
		}
		header, err := mpy.ParseHeader(content)
		if err != nil {
			continue // not compiled code, whatever its name; the build warned of it
		}
		if d.b.Info.MPY == 0 {
			return incompatible("%s: %s: this firmware loads no .mpy files", d.b.Port, name)
		}
		if err := abi.Accepts(header); err != nil {
			return incompatible("%s: the firmware cannot load %s: %v", d.b.Port, name, err)
		}
	}
	return nil
}

func roundUp(n, unit int64) int64 { return (n + unit - 1) / unit * unit }

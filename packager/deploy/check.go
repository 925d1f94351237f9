package deploy

import (
	"bytes"
	"fmt"
	"path"
	"strconv"
	"strings"

	"rules_romfs/packager/board"
	"rules_romfs/packager/deploy/flash"
	"rules_romfs/packager/device"
	"rules_romfs/packager/mpy"
	"rules_romfs/packager/port"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

func incompatible(format string, args ...any) error {
	return &IncompatibleError{fmt.Sprintf(format, args...)}
}

// preflight refuses what cannot work, before anything is erased.
func (j *job) preflight() error {
	info := j.b.Info
	j.result.Machine = info.Machine
	j.result.Firmware = strings.TrimSpace(info.Name + " " + info.Version)
	j.result.ID, j.result.USBSerial = info.ID, j.b.USBSerial()
	if err := j.findPartition(); err != nil {
		return err
	}
	j.result.Partition, j.result.Size = j.seg.Index, j.seg.Size
	j.setData()
	if err := j.checkBoard(); err != nil {
		return err
	}
	if err := j.checkPartition(); err != nil {
		return err
	}
	if err := j.checkMPY(); err != nil {
		return err
	}
	if len(info.Threads) > 0 && !j.req.DryRun && !j.req.VerifyOnly {
		return incompatible("%s: boot.py imports %s from /rom, which uses _thread: its threads would run from flash that is being erased; take the import out of boot.py, or start the thread in main.py",
			j.b.Port, strings.Join(info.Threads, ", "))
	}
	return nil
}

// setData sets what the partition is to hold.
func (j *job) setData() {
	j.data = j.req.Image
	if j.geo.Terminated(int64(len(j.req.Image))) {
		j.data = append(bytes.Clone(j.req.Image), 0)
	}
}

// readOnly is the error for a partition that the firmware does not write.
func (j *job) readOnly(why string) error {
	remedy := "use the board's bootloader, a programmer, or firmware that can"
	if j.b.Info.Platform == "qemu" {
		at := "ADDRESS"
		if j.geo.Base != 0 {
			at = fmt.Sprintf("%#x", j.geo.Base)
		}
		remedy = "start QEMU with -device loader,file=IMAGE,addr=" + at + ",force-raw=on"
	}
	return incompatible("%s: the firmware of %s cannot write partition %d (%s); nothing was changed; %s", j.b.Port, j.b.Info.Machine, j.seg.Index, why, remedy)
}

// warnModules warns of what boot.py may have left running.
func (j *job) warnModules() {
	if from := j.b.Info.FromROM; len(from) > 0 {
		j.warn("%s: boot.py imports %s from /rom; if it leaves timers or callbacks behind, they run from flash that is being changed",
			j.b.Port, strings.Join(from, ", "))
	}
}

// findPartition chooses the partition and looks for it on the board.
func (j *job) findPartition() error {
	seg, part, err := FindPartition(j.b, j.req.Board, j.wantedPartition())
	j.seg, j.part = seg, part
	if err != nil {
		return err
	}
	j.geo = GeometryOf(j.b.Info, seg, part)
	return nil
}

// GeometryOf works out how a partition is written; part is the profile's, nil if it
// knows nothing.
func GeometryOf(info *device.Info, seg device.Segment, part *board.Partition) flash.Geometry {
	return flash.Of(flash.Facts{Platform: info.Platform, Machine: info.Machine, WordBits: info.WordBits,
		Kind: seg.Kind, Size: seg.Size, Erase: seg.Erase, Encrypted: seg.Encrypted, Profile: part})
}

func (j *job) wantedPartition() string {
	switch {
	case j.req.Partition != "":
		return j.req.Partition
	case j.req.Sidecar != nil && j.req.Sidecar.Partition != nil:
		return strconv.Itoa(j.req.Sidecar.Partition.Index)
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
func (j *job) checkBoard() error {
	if j.req.Board == nil {
		return nil
	}
	if j.req.Board.NoROM != "" && !j.req.AnyBoard {
		return incompatible("%s has no ROM partition: %s", j.req.Board.ID, j.req.Board.NoROM)
	}
	if !j.req.AnyBoard && !j.req.Board.Runs(j.b.Info.Machine) {
		return incompatible("%s: the board is %q, but the image is for %s (%s); --any-board deploys all the same",
			j.b.Port, j.b.Info.Machine, j.req.Board.ID, strings.Join(j.req.Board.Machines, ", "))
	}
	if j.otherCore() && !j.part.CoreIdle && !j.req.OtherCore && !j.req.VerifyOnly {
		return incompatible("%s: the %s core runs from partition %s while it is written; stop that core first, then say --core-stopped, or use --via dfu",
			j.b.Port, j.part.Core, j.part.Name)
	}
	return nil
}

// otherCore tells whether the partition is the one that another core of the board
// mounts.
func (j *job) otherCore() bool {
	return j.part != nil && j.part.Core != "" && len(j.b.Segments) > 1 && j.seg.Index != 0
}

// warnCore warns of a core that sees its partition change. One that runs nothing
// from there by itself is no reason to refuse.
func (j *job) warnCore() {
	if j.otherCore() && j.part.CoreIdle {
		j.warn("%s: the %s core has partition %s mounted: what an application runs there meanwhile must not read from it, and it finds the new image when it starts anew; switch the board off and on",
			j.b.Port, j.part.Core, j.part.Name)
	}
}

// bigSlice is where slices of a memoryview overflow on 32-bit firmware.
const bigSlice = 16 << 20

func (j *job) checkPartition() error {
	size, seg := int64(len(j.req.Image)), j.seg
	switch {
	case seg.Size == 0:
		return incompatible("%s: partition %d has size 0", j.b.Port, seg.Index)
	case size > seg.Size:
		return incompatible("%s: the image has %d bytes, partition %d only %d", j.b.Port, size, seg.Index, seg.Size)
	case seg.Kind == board.Memoryview && seg.Size > bigSlice && !j.b.Info.Has.Uctypes && j.b.Info.WordBits == 32:
		return incompatible("%s: partition %d has more than 16 MiB, which this firmware cannot address without the uctypes module", j.b.Port, seg.Index)
	case seg.Kind == board.BlockDevice && (seg.Erase <= 0 || seg.Size%seg.Erase != 0):
		return incompatible("%s: partition %d says it has blocks of %d bytes", j.b.Port, seg.Index, seg.Erase)
	case j.geo.Erasing != flash.Never && j.geo.Erase > 0 && flash.RoundUp(size, j.geo.Erase) > seg.Size:
		return incompatible("%s: erasing %d bytes in units of %d would reach beyond partition %d of %d bytes", j.b.Port, size, j.geo.Erase, seg.Index, seg.Size)
	case j.geo.Unit > 0 && flash.RoundUp(size, j.geo.Unit) > seg.Size:
		return incompatible("%s: writing %d bytes in units of %d would reach beyond partition %d of %d bytes", j.b.Port, size, j.geo.Unit, seg.Index, seg.Size)
	}
	if torn := j.geo.Tears(j.req.Image); !torn.Safe() {
		j.warnOnce("%s: should the power fail within the last write, the first %s of the image may be torn, and the board may mount %s; images in layout compact or stable have a header that avoids it if they are built for the board (--board)", j.b.Port, report.Size(j.geo.Way.Tears()), torn)
	}
	if j.part != nil && j.part.Size > 0 && j.part.Size != seg.Size {
		j.warnOnce("%s: partition %d has %d bytes, not %d as the profile of %s says", j.b.Port, seg.Index, seg.Size, j.part.Size, j.req.Board.ID)
	}
	return nil
}

// checkMPY asks for every .mpy file of the image whether the firmware loads it.
func (j *job) checkMPY() error {
	image, err := romfs.Parse(j.req.Image)
	if err != nil {
		return err
	}
	abi := mpy.ParseABI(j.b.Info.MPY)
	if j.req.Board != nil {
		abi.SmallIntBits = j.req.Board.MPY.SmallIntBits
	}
	return j.checkDir(image, "", abi)
}

func (j *job) checkDir(image *romfs.Image, dir string, abi mpy.ABI) error {
	list, err := image.ReadDir(path.Join(".", dir))
	if err != nil {
		return err
	}
	for _, e := range list {
		name := path.Join(dir, e.Name())
		if e.IsDir() {
			if err := j.checkDir(image, name, abi); err != nil {
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
		if j.b.Info.MPY == 0 {
			return incompatible("%s: %s: this firmware loads no .mpy files", j.b.Port, name)
		}
		if err := abi.Accepts(header); err != nil {
			return incompatible("%s: the firmware cannot load %s: %v", j.b.Port, name, err)
		}
	}
	return nil
}

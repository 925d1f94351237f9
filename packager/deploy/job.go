package deploy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"rules_romfs/internal/atomicfile"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
	"rules_romfs/packager/deploy/flash"
	"rules_romfs/packager/device"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

// A job is one image for one partition of the board that is visited.
type job struct {
	req    Request
	digest artifact.Digest
	result *Result

	// What preflight finds out.
	b    *device.Board
	seg  device.Segment
	part *board.Partition // the profile's; nil: not known
	geo  flash.Geometry
	data []byte // what the partition is to hold: the image, and what must follow it

	// How far it has come.
	full    bool   // everything is to be written
	differ  int    // blocks that differed when it was compared last
	changed []bool // blocks that differed at any time, or were written
	warned  map[string]bool
	wrote   bool  // something was changed on the board
	done    bool  // the partition holds it, or was compared
	proven  bool  // the board was seen to read it after a reset
	differs error // of a comparison
}

func newJob(r Request, port string) *job {
	digest := artifact.Digest(sha256.Sum256(r.Image))
	if r.Reporter == nil {
		r.Reporter = report.Discard()
	}
	if r.Cache == nil {
		r.Cache = OpenCache("")
	}
	return &job{req: r, digest: digest, warned: map[string]bool{}, full: r.Full, result: &Result{Port: port, SHA256: digest}}
}

func (j *job) warn(format string, args ...any) {
	j.req.Reporter.Log(report.Warning, fmt.Sprintf(format, args...))
}

func (j *job) info(format string, args ...any) {
	j.req.Reporter.Log(report.Info, fmt.Sprintf(format, args...))
}

// warnOnce is warn for what is found out again after each restart of the board.
func (j *job) warnOnce(format string, args ...any) {
	msg := fmt.Sprintf(format, args...)
	if !j.warned[msg] {
		j.warned[msg] = true
		j.warn("%s", msg)
	}
}

// deliver compares the partition with the image and writes what differs. It
// leaves the program running on the board.
func (j *job) deliver(ctx context.Context) error {
	rom, err := j.openROM(ctx)
	if err != nil {
		return err
	}
	plan, err := j.compare(ctx, rom)
	if err != nil {
		return err
	}
	j.count(plan)
	if j.geo.ReadOnly && plan.changed > 0 && !j.req.VerifyOnly {
		return j.readOnly("it is read-only")
	}
	if plan.changed > 0 && !j.req.VerifyOnly && !j.wrote {
		if err := j.checkRelease(ctx, rom, plan); err != nil {
			return err
		}
		if err := j.lost(ctx, rom, plan); err != nil {
			return err
		}
	}
	if j.req.Backup != "" && j.result.Backup == "" && !j.wrote {
		if err := j.backup(ctx, rom); err != nil {
			return err
		}
	}
	switch {
	case j.req.VerifyOnly && plan.changed > 0:
		j.result.Status = Differs
		j.differs = &VerifyError{fmt.Sprintf("%s: the board does not hold image %s: %d of %d blocks differ", j.b.Port, j.digest.Short(), plan.changed, plan.blocks)}
	case j.req.VerifyOnly:
		j.result.Status = Verified
	case plan.changed == 0 && !j.wrote:
		j.result.Status = Unchanged
	case j.req.DryRun:
		j.result.Status = Planned
		for _, g := range plan.groups {
			j.result.Literal += g.literal()
			j.result.Copied += g.end - g.off - g.literal()
		}
	default:
		if plan.changed > 0 {
			if err := j.write(ctx, rom, plan); err != nil {
				return err
			}
			j.sayWear()
		}
		j.result.Status = Deployed
	}
	j.done = true
	return nil
}

// count takes a comparison into the result: blocks count once, whatever came
// between.
func (j *job) count(p *plan) {
	j.differ = p.changed
	if len(j.changed) != p.blocks {
		j.changed = make([]bool, p.blocks)
	}
	again := j.result.Blocks > 0
	j.result.Blocks, j.result.Block, j.result.Changed = p.blocks, p.block, 0
	for i, differs := range p.differs {
		if j.changed[i] = j.changed[i] || differs; j.changed[i] {
			j.result.Changed++
		}
	}
	if again {
		j.info("%s: %d of %d blocks are left", j.b.Port, p.changed, p.blocks)
	} else {
		j.info("%s: %d of %d blocks changed", j.b.Port, p.changed, p.blocks)
	}
}

// manyErases is from how many on a deploy says what it erased them for.
const manyErases = 16

// sayWear says so when flash was worn for data that only moved.
func (j *job) sayWear() {
	r := j.result
	if s := j.req.Sidecar; r.Erased < manyErases || r.Literal*8 > r.Copied || s != nil && s.Layout == romfs.Stable.String() {
		return
	}
	j.info("%s: %d erases for %s that are new: what lay behind them moved; layout: stable keeps it in its place, and the flash from wearing out", j.b.Port, r.Erased, report.Size(r.Literal))
}

// openROM starts the program on the board, with as much buffer as a block
// takes if memory allows, or else as much as is written at once where that is more
// than a little.
func (j *job) openROM(ctx context.Context) (*device.ROM, error) {
	const little = 512 // bytes, of which a buffer finds room on any heap
	buffer := int(j.geo.Block())
	if j.geo.Erasing == flash.FromStart || buffer > j.b.Info.Largest/2 {
		buffer = 0
		if j.geo.Unit >= little {
			buffer = int(j.geo.Unit)
		}
	}
	return j.b.OpenROM(ctx, j.seg, buffer)
}

// backup saves the image that is on the board, and overwrites nothing.
func (j *job) backup(ctx context.Context, rom *device.ROM) error {
	image, err := readImage(ctx, rom, j.req.Reporter, j.b.Port)
	if errors.Is(err, romfs.ErrNotImage) {
		j.warnOnce("%s: partition %d holds no image, so there is nothing to back up", j.b.Port, j.seg.Index)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: reading the old image for --backup, before anything was changed: %w", j.b.Port, err)
	}
	there, err := os.ReadFile(j.req.Backup)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = atomicfile.WriteFile(j.req.Backup, image)
	case err == nil && !bytes.Equal(there, image):
		return &BackupError{Path: j.req.Backup}
	}
	if err != nil {
		return fmt.Errorf("%s: saving the old image, before anything was changed: %w", j.b.Port, err)
	}
	j.result.Backup = j.req.Backup
	return nil
}

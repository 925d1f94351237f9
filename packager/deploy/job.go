package deploy

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"rules_romfs/internal/atomicfile"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
	"rules_romfs/packager/deploy/flash"
	"rules_romfs/packager/device"
	"rules_romfs/packager/report"
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
	full    bool  // everything is to be written
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
	return &job{req: r, digest: digest, full: r.Full, result: &Result{Port: port, SHA256: digest}}
}

func (j *job) warn(format string, args ...any) {
	j.req.Reporter.Log(report.Warning, fmt.Sprintf(format, args...))
}

func (j *job) info(format string, args ...any) {
	j.req.Reporter.Log(report.Info, fmt.Sprintf(format, args...))
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
	j.result.Blocks, j.result.Changed, j.result.Block = plan.blocks, plan.changed, plan.block
	j.info("%s: %d of %d blocks changed", j.b.Port, plan.changed, plan.blocks)
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
		}
		j.result.Status = Deployed
	}
	j.done = true
	return nil
}

// openROM starts the program on the board, with as much buffer as a block
// takes if memory allows.
func (j *job) openROM(ctx context.Context) (*device.ROM, error) {
	buffer := int(j.geo.Block())
	if j.geo.Erasing == flash.FromStart || buffer > j.b.Info.Largest/2 {
		buffer = 0
	}
	return j.b.OpenROM(ctx, j.seg, buffer)
}

// backup saves the image that is on the board.
func (j *job) backup(ctx context.Context, rom *device.ROM) error {
	image, err := readImage(ctx, rom, j.req.Reporter, j.b.Port)
	if errors.Is(err, errNoImage) {
		j.warn("%s: partition %d holds no image, so there is nothing to back up", j.b.Port, j.seg.Index)
		return nil
	}
	if err != nil {
		return err
	}
	if err := atomicfile.WriteFile(j.req.Backup, image); err != nil {
		return fmt.Errorf("%s: saving the old image, before anything was changed: %w", j.b.Port, err)
	}
	j.result.Backup = j.req.Backup
	return nil
}

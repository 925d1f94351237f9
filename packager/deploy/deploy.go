// Package deploy puts an image into a board's ROM partition and proves that it
// arrived: what has to change, in which order, so that the board never mounts
// a half-written image, and the verification afterwards.
//
// It takes an image and its sidecar and never reads a manifest. How to talk to
// a board is package device's business.
package deploy

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"rules_romfs/internal/atomicfile"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
	"rules_romfs/packager/device"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

// A Request is one deploy to one board.
type Request struct {
	Image     []byte
	Sidecar   *artifact.Sidecar // nil: nothing is known but the image
	Board     *board.Profile    // nil: any board
	Partition string            // name or index; "": the sidecar's, else the board's first

	Port   string
	Opener *device.Opener
	Cache  *Cache

	DryRun     bool   // stop before anything is written
	VerifyOnly bool   // only compare
	Full       bool   // send everything, whatever is there
	NoRun      bool   // stay at the REPL afterwards
	AnyBoard   bool   // deploy to another board, or for another core, than the profile says
	Backup     string // file for the old image; "": none

	Imports []string // modules that the board must import from the image afterwards

	Reporter report.Reporter

	careless int64 // see medium
}

// A Result says what a deploy did. Sizes are in bytes.
type Result struct {
	Port      string          `json:"port"`
	Machine   string          `json:"machine,omitempty"`
	Firmware  string          `json:"firmware,omitempty"`
	Partition int             `json:"partition"`
	Size      int64           `json:"partition_size"`
	SHA256    artifact.Digest `json:"sha256"`
	Status    Status          `json:"status"`

	Blocks  int   `json:"blocks"`         // that the image takes
	Changed int   `json:"blocks_changed"` // that differ, or were written
	Block   int64 `json:"block_size"`     // bytes
	Literal int64 `json:"image_bytes_sent"`
	Copied  int64 `json:"image_bytes_copied"` // rebuilt from what was on the board

	Sent     int64  `json:"bytes_sent"` // on the link, everything
	Received int64  `json:"bytes_received"`
	Retries  int64  `json:"frames_repeated"`
	Healed   bool   `json:"rewritten_after_mismatch,omitempty"`
	Resumed  int    `json:"reconnects,omitempty"`
	Backup   string `json:"backup,omitempty"`
	Import   string `json:"import,omitempty"` // how a program uses the image

	Imported []Imported `json:"imported,omitempty"` // what Request.Imports asked for
}

// A Status is how a deploy ended.
type Status string

// The ways.
const (
	Deployed  Status = "deployed"
	Unchanged Status = "unchanged"
	Planned   Status = "planned"  // a dry run that found changes
	Verified  Status = "verified" // --verify-only
)

// An IncompatibleError says that image and board do not go together. Nothing
// was erased.
type IncompatibleError struct{ Reason string }

func (e *IncompatibleError) Error() string { return e.Reason }

// A VerifyError says that the board does not hold the image.
type VerifyError struct{ Reason string }

func (e *VerifyError) Error() string { return e.Reason }

// An InterruptedError says that a deploy was cancelled while it changed the
// board.
type InterruptedError struct {
	Port string
	Err  error
}

func (e *InterruptedError) Error() string {
	return e.Port + ": interrupted while writing; the board mounts no half image. Run the deploy again, and it goes on where it stopped"
}

func (e *InterruptedError) Unwrap() error { return e.Err }

// maxReconnects bounds how often a deploy goes on after the board restarted or
// its program was interrupted.
const maxReconnects = 6

// maxShrinks bounds how often a deploy starts anew with less of the board's
// memory.
const maxShrinks = 6

// deployer is a Request being carried out.
type deployer struct {
	Request
	digest artifact.Digest
	data   []byte // what the partition is to hold: the image, and what must follow it
	result *Result
	b      *device.Board
	seg    device.Segment
	part   *board.Partition // the profile's; nil: not known
	medium medium
	erase  int64 // bytes that one erase clears; 0: unknown
	wrote  bool  // something was changed on the board
}

// Run deploys. Errors are *device.PortError, *device.TransferError,
// *IncompatibleError, *VerifyError or the context's. The board is left at its
// friendly REPL, or running main.py, and the port is free.
func Run(ctx context.Context, r Request) (*Result, error) {
	d := &deployer{Request: r, digest: sha256.Sum256(r.Image)}
	d.result = &Result{Port: r.Port, SHA256: d.digest}
	if d.Reporter == nil {
		d.Reporter = report.Discard()
	}
	if d.Cache == nil {
		d.Cache = OpenCache("")
	}
	if s := r.Sidecar; s != nil && s.Image.SHA256 != d.digest {
		return d.result, &artifact.MismatchError{Got: artifact.Image{SHA256: d.digest, Size: int64(len(r.Image))}, Want: s.Image}
	}
	if _, err := romfs.Parse(r.Image); err != nil {
		return d.result, err
	}
	err := d.run(ctx)
	if err != nil && ctx.Err() != nil && d.wrote {
		err = &InterruptedError{r.Port, ctx.Err()}
	}
	if d.b != nil {
		d.result.Sent, d.result.Received, d.result.Retries = d.b.Traffic()
		d.result.Port = d.b.Port
		// After an error the board stays at the REPL: main.py may not find
		// what it imports.
		cerr := d.b.Close(err == nil && !d.NoRun)
		if err == nil && cerr != nil {
			d.warn("%s: the board did not confirm its friendly REPL: %v", d.b.Port, cerr)
		}
	}
	return d.result, err
}

func (d *deployer) warn(format string, args ...any) {
	d.Reporter.Log(report.Warning, fmt.Sprintf(format, args...))
}

func (d *deployer) info(format string, args ...any) {
	d.Reporter.Log(report.Info, fmt.Sprintf(format, args...))
}

func (d *deployer) run(ctx context.Context) error {
	b, err := d.Opener.Connect(ctx, d.Port, true)
	if err != nil {
		return err
	}
	d.b = b
	if err := d.preflight(); err != nil {
		return err
	}
	for shrunk := 0; ; {
		err := d.attempt(ctx)
		if device.OutOfMemory(err) && shrunk < maxShrinks && ctx.Err() == nil {
			// Ask for less: smaller frames, no buffer for a whole block.
			shrunk++
			d.b.Info.Largest /= 2
			if err := d.b.SoftReset(ctx); err != nil {
				return err
			}
			continue
		}
		if err == nil || !passing(err) || ctx.Err() != nil || d.result.Resumed >= maxReconnects {
			return err
		}
		d.result.Resumed++
		if rerr := d.b.Reconnect(ctx); rerr != nil {
			return fmt.Errorf("%w; %w", err, rerr)
		}
		if d.b.Info.WatchdogReset && errors.Is(err, device.ErrReset) || d.b.Info.WatchdogReset && errors.Is(err, device.ErrLinkLost) {
			err = errors.New("a watchdog reset the board")
		}
		d.warn("%s: %v; going on where it stopped", d.Port, err)
		// The restart may have let boot.py in again.
		if err := d.b.SoftReset(ctx); err != nil {
			return err
		}
	}
}

// passing tells errors after which trying again helps.
func passing(err error) bool {
	return errors.Is(err, device.ErrTimeout) || errors.Is(err, device.ErrSilent) || errors.Is(err, device.ErrReset) || errors.Is(err, device.ErrEnded) || errors.Is(err, device.ErrLinkLost)
}

// attempt does steps 4 to 6 once.
func (d *deployer) attempt(ctx context.Context) error {
	rom, err := d.openROM(ctx)
	if err != nil {
		return err
	}
	plan, err := d.compare(ctx, rom)
	if err != nil {
		return err
	}
	d.result.Blocks, d.result.Changed, d.result.Block = plan.blocks, plan.changed, plan.block
	d.info("%s: %d of %d blocks changed", d.b.Port, plan.changed, plan.blocks)
	if d.Backup != "" && d.result.Backup == "" && !d.wrote {
		if err := d.backup(ctx, rom); err != nil {
			return err
		}
	}
	switch {
	case d.VerifyOnly && plan.changed > 0:
		return &VerifyError{fmt.Sprintf("%s: the board does not hold image %s: %d of %d blocks differ", d.b.Port, d.digest.Short(), plan.changed, plan.blocks)}
	case d.VerifyOnly:
		d.result.Status = Verified
		return d.b.Stop(ctx)
	case plan.changed == 0 && !d.wrote:
		d.result.Status = Unchanged
		return d.finish(ctx)
	case d.DryRun:
		d.result.Status = Planned
		for _, g := range plan.groups {
			d.result.Literal += g.literal()
			d.result.Copied += g.end - g.off - g.literal()
		}
		return d.b.Stop(ctx)
	}
	if plan.changed > 0 {
		if err := d.write(ctx, rom, plan); err != nil {
			return err
		}
	}
	d.result.Status = Deployed
	return d.finish(ctx)
}

// openROM starts the program on the board, with as much buffer as a block
// takes if memory allows.
func (d *deployer) openROM(ctx context.Context) (*device.ROM, error) {
	buffer := int(d.blockSize())
	if d.erasing() == fromStart || buffer > d.b.Info.Largest/2 {
		buffer = 0
	}
	return d.b.OpenROM(ctx, d.seg, buffer)
}

// backup saves the image that is on the board.
func (d *deployer) backup(ctx context.Context, rom *device.ROM) error {
	image, err := readImage(ctx, rom, d.Reporter, d.b.Port)
	if errors.Is(err, errNoImage) {
		d.warn("%s: partition %d holds no image, so there is nothing to back up", d.b.Port, d.seg.Index)
		return nil
	}
	if err != nil {
		return err
	}
	if err := atomicfile.WriteFile(d.Backup, image); err != nil {
		return err
	}
	d.result.Backup = d.Backup
	return nil
}

// finish leaves the program on the board, soft-resets and checks from the
// outside that the board has the image and mounts it.
func (d *deployer) finish(ctx context.Context) error {
	if err := d.b.Stop(ctx); err != nil {
		return err
	}
	if d.wrote {
		if err := d.b.SoftReset(ctx); err != nil {
			return err
		}
		if err := d.after(ctx); err != nil {
			return err
		}
	}
	d.result.Import = d.importHint()
	return d.imports(ctx)
}

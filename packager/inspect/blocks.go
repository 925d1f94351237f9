package inspect

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"rules_romfs/packager/board"
	"rules_romfs/packager/deploy"
	"rules_romfs/packager/deploy/flash"
)

// A BlockCost is what a difference costs a deploy.
type BlockCost struct {
	Erase   int64 `json:"erase"` // bytes a block
	Total   int64 `json:"total"` // blocks that B takes
	Changed int64 `json:"changed"`
	Send    int64 `json:"send"` // changed, and the first one, whose header marks an image as complete
	// SendFromStart is what firmware takes that erases from the partition's
	// start only: all blocks up to the last changed one. Absent where the board
	// has no such firmware.
	SendFromStart *int64 `json:"send_from_start,omitempty"`

	// Map are the changed blocks by number, from 0; only if asked for.
	Map []int64 `json:"map,omitempty"`

	// Transfers are what a deploy takes; only if asked for, and none where the
	// images are equal in all blocks.
	Transfers []Transfer `json:"transfers,omitempty"`
}

// A Transfer is what a deploy takes on boards of one kind.
type Transfer struct {
	Firmware Firmware `json:"firmware"`
	Blocks   int64    `json:"blocks"` // that are written
	Erased   int64    `json:"erased"` // bytes of flash; 0 where cells need no erase
	Sent     int64    `json:"sent"`   // bytes of the image over the link, before they are packed for it
	Copied   int64    `json:"copied"` // bytes that the board takes from what it has
}

// Firmware is what decides what a deploy sends to a board.
type Firmware struct {
	FromStart bool `json:"from_start"` // it erases from the partition's start only
	Copies    bool `json:"copies"`     // the board has memory for a block, so that it can copy what it has
}

// defaultErase is the erase unit of almost every external flash chip.
const defaultErase = 4096

// facts finds what is known of the flash: of the caller's board, else of a
// sidecar's. block is the unit to count in, where that was said.
func (o *DiffOptions) facts(a, b *Image) (f flash.Facts, block int64, err error) {
	if o.Erase > 0 {
		return factsOf(board.Partition{Erase: o.Erase}), o.Erase, nil
	}
	for _, im := range []*Image{b, a} {
		s, err := im.Sidecar()
		if err != nil {
			return f, 0, err
		}
		place, err := o.place(s)
		switch {
		case err != nil:
			return f, 0, err
		case place.Partition != nil:
			return factsOf(*place.Partition), 0, nil
		case s != nil && s.Partition != nil && s.Partition.Erase > 0:
			return factsOf(board.Partition{Base: s.Partition.Base, Size: s.Partition.Size, Erase: s.Partition.Erase}), 0, nil
		}
	}
	return factsOf(board.Partition{Erase: defaultErase}), 0, nil
}

// factsOf are those of a partition with firmware that can erase any block.
func factsOf(p board.Partition) flash.Facts {
	return flash.Facts{Kind: p.Segment, Size: p.Size, Erase: cmp.Or(p.Erase, defaultErase), Profile: &p}
}

// compareBlocks counts the flash blocks that a deploy of the new image would
// write over the old one. Behind the old image a board may hold anything, so a
// block that reaches there counts as changed.
func compareBlocks(ctx context.Context, old, new *Image, o *DiffOptions) (BlockCost, error) {
	facts, block, err := o.facts(old, new)
	if err != nil {
		return BlockCost{}, err
	}
	differs := func(from, to int64) (bool, error) {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		return blockDiffers(old, new, from, to)
	}
	each, err := deploy.Estimate(flash.Of(facts), new.Size(), block, differs)
	if err != nil {
		return BlockCost{}, err
	}
	c := BlockCost{Erase: each.Block, Total: each.Blocks, Changed: int64(len(each.Differs)), Send: each.Writes}
	if o.Map {
		c.Map = each.Differs
	}
	if o.Transfers && block == 0 {
		if c.Transfers, err = transfers(ctx, facts, old, new, each.Differs); err != nil {
			return c, err
		}
	}
	if geo := flash.Of(older(facts)); geo.Erasing == flash.FromStart {
		start, err := deploy.Estimate(geo, new.Size(), each.Block, func(from, _ int64) (bool, error) {
			_, found := slices.BinarySearch(each.Differs, from/each.Block)
			return found, nil
		})
		if err != nil {
			return c, err
		}
		c.SendFromStart = &start.Writes
	}
	return c, nil
}

// older is what firmware of before says: not how much an erase clears.
func older(f flash.Facts) flash.Facts {
	f.Erase = 0
	return f
}

// transfers works out what a deploy takes on each kind of firmware that the board
// may have.
func transfers(ctx context.Context, facts flash.Facts, old, new *Image, differs []int64) ([]Transfer, error) {
	was, err := old.bytes(0, old.Size())
	if err != nil {
		return nil, err
	}
	is, err := new.bytes(0, new.Size())
	if err != nil {
		return nil, err
	}
	var all []Transfer
	for _, f := range []flash.Facts{facts, older(facts)} {
		geo := flash.Of(f)
		fromStart := geo.Erasing == flash.FromStart
		if len(all) > 0 && !fromStart {
			break // what it says of erases makes no difference
		}
		for _, room := range []int{math.MaxInt, 0} {
			t, err := deploy.EstimateTransfer(ctx, geo, was, is, differs, room)
			if err != nil {
				return nil, err
			}
			if t.Blocks > 0 {
				all = append(all, Transfer{Firmware{fromStart, room > 0}, t.Blocks, t.Erased, t.Sent, t.Copied})
			}
			if geo.Erasing == flash.ByWrite {
				break // a write takes a whole block, so every board has memory for one
			}
		}
	}
	return all, nil
}

// blockDiffers compares what two images have between two offsets, of which the
// second may lie behind their ends: there are what follows any image.
func blockDiffers(old, new *Image, from, to int64) (bool, error) {
	if to = min(to, new.Size()); to > old.Size() {
		return true, nil
	}
	if from >= to {
		return old.Size() != new.Size(), nil
	}
	was, err := old.bytes(from, to)
	if err != nil {
		return false, err
	}
	is, err := new.bytes(from, to)
	return !bytes.Equal(was, is), err
}

func (im *Image) bytes(from, to int64) ([]byte, error) {
	b := make([]byte, to-from)
	if _, err := im.Data.ReadAt(b, from); err != nil && err != io.EOF {
		return nil, fmt.Errorf("%s: %w", im.Name, err)
	}
	return b, nil
}

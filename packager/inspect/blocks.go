package inspect

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"rules_romfs/packager/board"
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
}

// defaultErase is the erase unit of almost every external flash chip, and the
// least that a deploy compares at once.
const defaultErase = 4096

// A unit is what a deploy sends at once.
type unit struct {
	size int64 // bytes
	// header: the first block goes with any other, since the board's image
	// becomes valid by it. Cells that need no erase take the few bytes alone.
	header bool
	// prefix: the firmware may be one that erases from the partition's start
	// only; tail: it then keeps what lies behind the last changed block.
	prefix, tail bool
}

// unit finds the block size: the caller's, the board's, a sidecar's.
func (o *DiffOptions) unit(a, b *Image) (unit, error) {
	if o.Erase > 0 {
		return unit{o.Erase, true, true, true}, nil
	}
	for _, im := range []*Image{b, a} {
		s, err := im.Sidecar()
		if err != nil {
			return unit{}, err
		}
		place, err := o.place(s)
		if err != nil {
			return unit{}, err
		}
		switch part := place.Partition; {
		case part != nil && part.Erase > 0:
			cells := !part.Medium.Overwrites()
			u := unit{part.Erase, cells, cells && part.Segment != board.BlockDevice, true}
			if u.size < defaultErase && part.Segment != board.BlockDevice {
				u.size = (defaultErase + u.size - 1) / u.size * u.size
			}
			return u, nil
		case part != nil && part.Segment == board.Memoryview:
			// Where an erase ends is not known, so nothing behind it is kept.
			return unit{defaultErase, true, true, false}, nil
		case s != nil && s.Partition != nil && s.Partition.Erase > 0 && o.Board == "":
			return unit{max(s.Partition.Erase, defaultErase), true, true, true}, nil
		}
	}
	return unit{defaultErase, true, true, true}, nil
}

// compareBlocks compares the flash blocks that the new image takes. Behind the
// old image a board may hold anything, so a block that reaches there counts as
// changed.
func compareBlocks(ctx context.Context, old, new *Image, u unit, list bool) (BlockCost, error) {
	c := BlockCost{Erase: u.size}
	first := false   // is among the changed
	last := int64(0) // of the changed, counted from 1
	was, is := make([]byte, u.size), make([]byte, u.size)
	for at := int64(0); at < new.Size(); at += u.size {
		if ctx.Err() != nil {
			return c, context.Cause(ctx)
		}
		n := min(u.size, new.Size()-at)
		c.Total++
		same := at+n <= old.Size()
		if same {
			if err := old.readAt(was[:n], at); err != nil {
				return c, err
			}
			if err := new.readAt(is[:n], at); err != nil {
				return c, err
			}
			same = bytes.Equal(was[:n], is[:n])
		}
		if !same {
			c.Changed++
			last = c.Total
			first = first || at == 0
			if list {
				c.Map = append(c.Map, at/u.size)
			}
		}
	}
	c.Send = c.Changed
	if c.Changed > 0 && !first && u.header {
		c.Send++
	}
	if u.prefix {
		if !u.tail && last > 0 {
			last = c.Total
		}
		c.SendFromStart = &last
	}
	return c, nil
}

func (im *Image) readAt(b []byte, at int64) error {
	if _, err := im.Data.ReadAt(b, at); err != nil && err != io.EOF {
		return fmt.Errorf("%s: %w", im.Name, err)
	}
	return nil
}

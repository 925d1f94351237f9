package deploy

import (
	"bytes"
	"context"

	"rules_romfs/packager/deploy/flash"
)

// prefix rewrites the partition's beginning, where firmware can erase nothing
// else, and keeps what lies behind it. What the erase changed there, because
// it cleared more than the profile says or for whatever reason, is sent again.
func (w *writer) prefix(ctx context.Context, g *group) error {
	var gathered int64
	if w.plan.buffer > 0 {
		// What is copied from the flash is copied before the erase.
		var err error
		if gathered, err = w.gather(ctx, g); err != nil {
			return err
		}
	}
	cleared, err := w.erasePrefix(ctx, g.len)
	if err != nil {
		return err
	}
	if w.plan.buffer > 0 {
		w.writeBuffer(w.base(g), gathered)
		w.done += g.end - g.off
		if err := w.flush(ctx); err != nil {
			return err
		}
	} else if err := w.send(ctx, w.base(g), g.end); err != nil {
		return err
	}
	for _, s := range cleared {
		if err := w.send(ctx, s.from, s.to); err != nil {
			return err
		}
	}
	return nil
}

// erasePrefix erases the first n bytes of the partition and looks at the blocks
// of the image behind them. It returns those that are erased too. To write
// those that hold neither the image nor erased cells, it erases as far as that
// takes.
func (w *writer) erasePrefix(ctx context.Context, n int64) (cleared []span, err error) {
	size := int64(len(w.image))
	kept := n // what is behind it was not to be erased
	for {
		if err := w.flush(ctx); err != nil {
			return nil, err
		}
		w.clear(0, n)
		if err := w.flush(ctx); err != nil {
			return nil, err
		}
		cleared = nil
		if kept < n {
			cleared = []span{{kept, min(n, size)}}
		}
		if n >= size {
			return cleared, nil
		}
		hashes, err := w.rom.Hashes(ctx, n, size, w.plan.block, keep, nil)
		if err != nil {
			return nil, err
		}
		dirty := int64(0)
		for i, h := range hashes {
			from := n + int64(i)*w.plan.block
			to := min(from+w.plan.block, size)
			switch {
			case bytes.Equal(h, w.sum(w.image[from:to], h)):
			case bytes.Equal(h, w.sum(bytes.Repeat([]byte{0xff}, int(to-from)), h)):
				cleared = append(cleared, span{from, to})
			default:
				dirty = to
			}
		}
		if dirty == 0 {
			return cleared, nil
		}
		n = flash.RoundUp(dirty, w.geo.Erase)
	}
}

// sum is the board's digest of b, as long as another.
func (w *writer) sum(b, like []byte) []byte { return w.rom.Sum(b)[:len(like)] }

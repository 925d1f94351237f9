package deploy

import (
	"context"
	"slices"

	"rules_romfs/packager/deploy/flash"
)

// A Transfer is what it takes to turn one image on a board into another.
type Transfer struct {
	Blocks int64 // that are written
	Erased int64 // bytes of flash; 0 where cells need no erase
	Sent   int64 // bytes of the image that go over the link, before they are packed for it
	Copied int64 // bytes that the board takes from what it has
}

// EstimateTransfer plans a deploy of an image over the one that was deployed
// before it, without a board. differs are the blocks that an Estimate of the two
// has found; room is the RAM that the board has for putting blocks together, from
// what is sent and what it has itself.
func EstimateTransfer(ctx context.Context, geo flash.Geometry, old, image []byte, differs []int64, room int) (Transfer, error) {
	if len(differs) == 0 {
		return Transfer{}, nil
	}
	if geo.Terminated(int64(len(image))) {
		image = append(slices.Clip(image), 0)
	}
	if geo.Size == 0 { // not known: it fits
		geo.Size = flash.RoundUp(int64(len(image)), geo.Block())
	}
	p := newPlan(&geo, int64(len(image)), 0)
	for _, i := range differs {
		p.differs[i] = true
	}
	p.group(room)
	if p.buffer == 0 {
		p.stream()
		return p.transfer(p.groups), nil
	}
	end := flash.RoundUp(int64(len(old)), p.block)
	x := newIndex(contents{p.onFlash(old, int(max(end, flash.RoundUp(p.size, p.block)))), normalize([]span{{0, end}}, geo.Lost())})
	for _, g := range p.groups {
		if ctx.Err() != nil {
			return Transfer{}, context.Cause(ctx)
		}
		g.pieces = x.pieces(image, g.off, g.end)
	}
	return p.transfer(order(p.groups)), nil
}

// transfer adds up what writing groups takes.
func (p *plan) transfer(groups []*group) (t Transfer) {
	for _, g := range groups {
		t.Blocks += (g.end - g.off + p.block - 1) / p.block
		if p.geo.Erasing != flash.Never {
			t.Erased += g.len
		}
		base := base(p.geo, g)
		for _, piece := range g.pieces {
			n := piece.n - min(max(base-piece.dst, 0), piece.n)
			if piece.src < 0 {
				t.Sent += n
			} else {
				t.Copied += n
			}
		}
	}
	return t
}

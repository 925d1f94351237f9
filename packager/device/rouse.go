package device

import (
	"context"
	"errors"
	"time"

	"rules_romfs/packager/port"
)

// hangs is how long a board may keep silent before it counts as hung, where it
// can be restarted; a restarted one gets as long again.
const hangs = 8 * time.Second

// rouse brings a board whose port was just opened to its raw REPL, and restarts
// one that does not answer, in each of the ways that its port has.
func (b *Board) rouse(ctx context.Context, limit time.Duration) error {
	resets := b.opener.Resets(b.usb)
	if len(resets) == 0 {
		return b.repl.Enter(ctx, limit)
	}
	end := time.Now().Add(limit)
	err := b.repl.Enter(ctx, min(limit, hangs))
	warned := false
	for _, r := range resets {
		if !errors.Is(err, port.ErrTimeout) {
			break
		}
		b.opener.Warnf("%s: no answer; restarting the board (%s)", b.Port, r)
		switch did := r.Do(ctx, b.link); {
		case errors.Is(did, port.ErrNoLines):
			if !warned {
				b.opener.Warnf("%s: %v; press the board's reset button", b.Port, did)
			}
			warned = true
			continue
		case did != nil:
			return did
		}
		err = b.repl.Enter(ctx, hangs)
	}
	if left := time.Until(end); errors.Is(err, port.ErrTimeout) && left > 0 {
		return b.repl.Enter(ctx, left) // no reset was any use: perhaps patience is
	}
	return err
}

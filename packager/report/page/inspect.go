package page

import (
	"context"

	"rules_romfs/packager/inspect"
	"rules_romfs/packager/ram"
)

// A Subject is an image to draw, with what is known of it besides.
type Subject struct {
	Name     string // for people
	Image    *inspect.Image
	Target   inspect.Target
	Budget   Budget
	RAM      *ram.Ledger    // nil: not measured
	Base     *inspect.Image // an older one; nil: compared with nothing
	BaseName string         // for people
}

// Inspect finds out what a page says. Of a damaged image that is what can be
// read, and damage says what is wrong with the rest.
func Inspect(ctx context.Context, s Subject) (in *Input, damage, err error) {
	in = &Input{Name: s.Name, RAM: s.RAM, Budget: s.Budget}
	if in.Verification, err = inspect.Verify(ctx, s.Image.Source, s.Target); err != nil {
		return nil, nil, err
	}
	in.Listing, damage = inspect.List(ctx, s.Image, inspect.ListOptions{Target: s.Target, Digests: true, Details: true})
	if in.Listing == nil {
		return nil, nil, damage
	}
	if damage == nil {
		damage = s.Image.Damage("")
	}
	if s.Base != nil {
		d, err := inspect.Diff(ctx, s.Base, s.Image, inspect.DiffOptions{Target: s.Target, Map: true, Transfers: true})
		if err != nil {
			return nil, nil, err
		}
		in.Base = &Base{Name: s.BaseName, Difference: d}
	}
	return in, damage, nil
}

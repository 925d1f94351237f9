package port

import (
	"fmt"
	"slices"
	"strings"

	"rules_romfs/packager/board"
)

// Seen is one port of this machine and what a command that is given none makes
// of it.
type Seen struct {
	Info
	Boards []string `json:"boards"` // profiles that show up with these USB ids
	Names  []string `json:"names"`  // of the ports file
	Taken  bool     `json:"taken"`  // a command without --port uses it
	Why    string   `json:"why"`    // or why not

	rank  rank
	rival bool // would be taken, but for another one that would be
}

// A rank is how much a port looks like the board that is looked for.
type rank int

const (
	hopeless rank = iota // not on USB, or a bootloader
	possible             // some USB serial port
	likely               // an adapter of the kind that boards carry
	certain              // MicroPython's own USB ids
)

// Look says for each port whether Choose would take it if nothing names one, and
// why. The places that the ports file names for the board come first there.
func (c *Choice) Look() ([]Seen, error) {
	list, err := c.list()
	if err != nil {
		return nil, err
	}
	seen := c.look(list)
	chosen, err := c.Choose()
	for i := range seen {
		s := &seen[i]
		here := err == nil && slices.ContainsFunc(chosen, func(at Place) bool { return Same(at.Port, s.Name) })
		switch {
		case here && !s.Taken && c.Default != "" && !c.All:
			s.Why = "$ROMFS_PORT names it"
		case here && !s.Taken:
			s.Why = "the ports file names it for " + c.what()
		case !here && s.Taken && c.Default != "":
			s.Why = "$ROMFS_PORT names another port"
		case !here && s.Taken:
			s.Why = "the ports file names another port for " + c.what()
		}
		s.Taken = here
	}
	return seen, nil
}

// look ranks the ports. The best rank is taken: that of the board's ids, as the
// board's own firmware or its adapter shows them, else the only USB serial port
// that there is. Whatever it is, a deploy asks it before it changes anything.
func (c *Choice) look(list []Info) []Seen {
	var seen []Seen
	for _, p := range list {
		s := c.rank(p)
		s.Names = append([]string{}, c.Book.of(p)...)
		seen = append(seen, s)
	}
	best := hopeless
	for _, s := range seen {
		best = max(best, s.rank)
	}
	devices := oneEach(infos(seen, func(s Seen) bool { return s.rank == best && best > hopeless }))
	for i := range seen {
		s := &seen[i]
		first := slices.ContainsFunc(devices, func(p Info) bool { return p.Name == s.Name })
		switch {
		case s.rank == hopeless:
		case s.rank < best:
			s.Why += ", and others look more like " + c.what()
		case !first:
			s.Why += ", but not its device's first port"
		case len(devices) == 1:
			s.Taken = true
			s.Why = "the only one: " + s.Why
		case best == possible:
			s.Why += ", and there are others"
		case c.All:
			s.Taken = true
		default:
			s.rival = true
			s.Why += ", but so are others; give --port or --all"
		}
	}
	return seen
}

func infos(seen []Seen, which func(Seen) bool) (list []Info) {
	for _, s := range seen {
		if which(s) {
			list = append(list, s.Info)
		}
	}
	return list
}

// rank says what a port is by itself.
func (c *Choice) rank(p Info) Seen {
	s := Seen{Info: p, Boards: append([]string{}, profiles(p, board.ModeRuntime, board.Builtin())...)}
	wanted := board.Builtin()
	if c.Board != nil {
		wanted = []*board.Profile{c.Board}
	}
	of := func(mode string) string { return some(profiles(p, mode, wanted)) }
	switch {
	case p.USB == "":
		s.Why = "not on USB"
	case of(board.ModeRuntime) != "":
		s.rank, s.Why = certain, "USB ids of "+of(board.ModeRuntime)
	case of(board.ModeAdapter) != "" && c.Board != nil:
		s.rank, s.Why = certain, "a USB serial adapter as "+c.Board.ID+" has it"
	case of(board.ModeAdapter) != "":
		s.rank, s.Why = likely, "a USB serial adapter as boards have it"
	case len(profiles(p, board.ModeBootloader, board.Builtin())) > 0:
		s.Why = fmt.Sprintf("the bootloader of %s: no MicroPython runs", some(profiles(p, board.ModeBootloader, board.Builtin())))
	default:
		s.rank, s.Why = possible, "some USB serial port"
		if len(s.Boards) > 0 {
			s.Why = "USB ids of " + some(s.Boards)
		}
	}
	return s
}

// some names a few of many.
func some(ids []string) string {
	const few = 3
	if len(ids) > few {
		return fmt.Sprintf("%s and %d more", strings.Join(ids[:few], ", "), len(ids)-few)
	}
	return strings.Join(ids, ", ")
}

// profiles returns the ids of the profiles in list that show up as p does, in
// that mode.
func profiles(p Info, mode string, list []*board.Profile) []string {
	var ids []string
	for _, b := range list {
		for _, id := range b.USB {
			if p.USB != "" && id.Mode == mode && strings.EqualFold(id.String(), p.USB) && !slices.Contains(ids, b.ID) {
				ids = append(ids, b.ID)
			}
		}
	}
	return ids
}

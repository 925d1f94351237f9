package inspect

import (
	"fmt"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
)

// A Target says for which board an image is looked at. The zero Target is the
// board and partition that the image's sidecar names, if any.
type Target struct {
	Board     string // id of a board, or path of a board file
	Partition string // name or index; empty: the sidecar's, else the board's first
}

// A Place is where an image goes, as far as it is known; the zero Place is
// nowhere in particular.
type Place struct {
	Board     *board.Profile   // nil: not known
	Partition *board.Partition // nil: not known; set whenever Board is

	// Named is what the sidecar says of a board whose profile is not here.
	Named *artifact.Sidecar
}

// names returns the board's id, the partition's name and the address of its
// first byte, as far as they are known.
func (p Place) names() (board, partition string, base uint64) {
	switch {
	case p.Board != nil:
		return p.Board.ID, p.Partition.Name, p.Partition.Base
	case p.Named != nil && p.Named.Partition != nil:
		return p.Named.Board, p.Named.Partition.Name, p.Named.Partition.Base
	}
	return "", "", 0
}

// place finds the board and partition: the target's, else the sidecar's. A
// sidecar may name a board of somebody's own, whose file is not here.
func (t Target) place(s *artifact.Sidecar) (Place, error) {
	id, partition := t.Board, t.Partition
	if id == "" && s != nil {
		id = s.Board
		if partition == "" && s.Partition != nil {
			partition = s.Partition.Name
		}
	}
	if id == "" {
		if partition != "" {
			return Place{}, &ChoiceError{fmt.Sprintf("--partition %s is of no use without a board; add --board ID (romfs boards lists them)", partition)}
		}
		return Place{Named: s}, nil
	}
	p, err := board.Lookup(id)
	if err != nil {
		if t.Board == "" {
			return Place{Named: s}, nil
		}
		return Place{}, &ChoiceError{err.Error()}
	}
	part, err := p.Partition(partition)
	if err != nil {
		return Place{}, err
	}
	return Place{Board: p, Partition: part}, nil
}

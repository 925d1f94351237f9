package ram

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A LimitError says that modules take more of the heap than they may, or that nobody
// knows.
type LimitError struct {
	Image    string
	Problems []string
}

func (e *LimitError) Error() string { return e.Image + ": " + strings.Join(e.Problems, "; ") }

// Within returns nil if importing the module from ROM takes at most that many bytes
// of heap, and else why not, or why nobody knows.
func (m *Module) Within(limit int64) error {
	switch {
	case m.ROM.Failed():
		return fmt.Errorf("it cannot be imported: %s", m.ROM.Error)
	case m.ROM.Heap > limit:
		return fmt.Errorf("it takes %d bytes of heap, %d too many: %s", m.ROM.Heap, m.ROM.Heap-limit, m.Why)
	}
	return nil
}

// Check compares what modules take with the limits of some, in bytes, and notes these
// in the ledger. Of a module that the ledger does not have nothing is said. The error
// is a *LimitError.
func (l *Ledger) Check(limits map[string]int64) error {
	e := &LimitError{Image: l.Image}
	for _, m := range l.Modules {
		limit, ok := limits[m.Name]
		if !ok {
			continue
		}
		m.Max = &limit
		if err := m.Within(limit); err != nil {
			e.Problems = append(e.Problems, fmt.Sprintf("%s: %v", m.Name, err))
		}
	}
	if len(e.Problems) == 0 {
		return nil
	}
	return e
}

// An UnknownError says that a limit is about a module that was not measured.
type UnknownError struct{ Module string }

func (e *UnknownError) Error() string {
	return fmt.Sprintf("there is no module %q in what was measured", e.Module)
}

// CheckAll checks the ledgers of several images; over is what takes too much. A limit of a
// module that is in none of them is an [*UnknownError].
func CheckAll(ledgers []*Ledger, limits map[string]int64) (over, err error) {
	unknown := maps.Clone(limits)
	for _, l := range ledgers {
		over = errors.Join(over, l.Check(limits))
		for _, m := range l.Modules {
			delete(unknown, m.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(unknown)) {
		return nil, &UnknownError{name}
	}
	return over, nil
}

package ram

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// A LedgerError says that a text is no ledger, or one of another image.
type LedgerError struct{ Reason string }

func (e *LedgerError) Error() string { return e.Reason }

// Decode reads a ledger that was printed as JSON.
func Decode(text []byte) (*Ledger, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var l Ledger
	if err := dec.Decode(&l); err != nil || l.Modules == nil || l.Interpreter == nil {
		why := ""
		if err != nil {
			why = fmt.Sprintf(": %v", err)
		}
		return nil, &LedgerError{"these are not the RAM figures of one image, as romfs ram --output json prints them" + why}
	}
	for _, m := range l.Modules {
		if m == nil {
			return nil, &LedgerError{"a module of the RAM figures is null"}
		}
	}
	return &l, nil
}

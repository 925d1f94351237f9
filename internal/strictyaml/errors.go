package strictyaml

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Pos is a place in a YAML file. Both numbers count from 1; a column counts
// characters, not bytes. The zero Pos stands for the file as a whole.
type Pos struct{ Line, Column int }

// Codes of the errors that this package reports. They are part of the
// interface: scripts may test for them, so a code is never reused.
const (
	CodeSyntax       = "syntax"        // the text is no YAML, or YAML that is not accepted here
	CodeLimit        = "limit"         // larger or deeper than any honest file
	CodeUnknownKey   = "unknown-key"   // a key that the type does not have
	CodeReservedKey  = "reserved-key"  // a key that a later version will give a meaning
	CodeDuplicateKey = "duplicate-key" // one key twice in one mapping
	CodeMissingKey   = "missing-key"   // a key that must be there
	CodeType         = "type"          // a value of another type than the key takes
	CodeValue        = "value"         // the right type, but no legal value
)

// An Error is one defect of a YAML file: what is wrong, where, and what to do.
type Error struct {
	File    string `json:"file"`             // as the caller named it
	Line    int    `json:"line,omitempty"`   // from 1; 0 for the file as a whole
	Column  int    `json:"column,omitempty"` // from 1; 0 for the file as a whole
	Rule    string `json:"rule,omitempty"`   // path of the value, such as "files[2].src"; empty for the file as a whole
	Code    string `json:"code"`             // one of the Code constants, or one of the caller's
	Message string `json:"message"`          // what is wrong
	Remedy  string `json:"remedy,omitempty"` // what to do about it; may be empty
}

// Error formats e in one line: FILE:LINE:COLUMN: RULE: MESSAGE; REMEDY.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	b.WriteString(": ")
	if e.Rule != "" {
		b.WriteString(e.Rule + ": ")
	}
	b.WriteString(e.Message)
	if e.Remedy != "" {
		b.WriteString("; " + e.Remedy)
	}
	return b.String()
}

// Errors are all defects that one run found, in file order.
type Errors []*Error

// Error lists the errors, one a line.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find a single *Error.
func (es Errors) Unwrap() []error {
	out := make([]error, len(es))
	for i, e := range es {
		out[i] = e
	}
	return out
}

// Sort orders es by file, position and text, so that a run's report does not
// depend on the order in which checks were made.
func (es Errors) Sort() {
	slices.SortStableFunc(es, func(a, b *Error) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message))
	})
}

// Unique returns es sorted and without repetitions.
func (es Errors) Unique() Errors {
	es.Sort()
	return slices.CompactFunc(es, func(a, b *Error) bool { return *a == *b })
}

// Err returns es sorted as an error, or nil if there are none.
func (es Errors) Err() error {
	if len(es) == 0 {
		return nil
	}
	es.Sort()
	return es
}

// Limit returns es sorted and cut to [MaxErrors], with a last one about file
// that says so if it had more.
func (es Errors) Limit(file string) Errors {
	es.Sort()
	if len(es) <= MaxErrors {
		return es
	}
	return append(es[:MaxErrors:MaxErrors], &Error{File: file, Code: CodeLimit, Message: fmt.Sprintf("more than %d errors; the rest was not checked", MaxErrors)})
}

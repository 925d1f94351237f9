package mpy

import "errors"

// Length returns where the .mpy file at the start of b ends by its own account:
// its tables and its code say how long they are.
//
// The layout is that of version 6 (py/persistentcode.c, mp_raw_code_load): a
// header, the table of qstrs, the table of constant objects, and a tree of code.
// Of a file of another version, or linked by MicroPython's mpy_ld.py, the end is
// not known: [ErrLayout].
func Length(b []byte) (int, error) {
	h, err := ParseHeader(b)
	if err != nil {
		return 0, err
	}
	if h.Version != 6 {
		return 0, ErrLayout
	}
	r := &reader{b: b, at: headerLen}
	if h.HasArchFlags {
		r.number()
	}
	qstrs, objects := r.number(), r.number()
	for range qstrs {
		if r.qstr(); r.err != nil {
			return 0, r.err
		}
	}
	for range objects {
		if r.object(0); r.err != nil {
			return 0, r.err
		}
	}
	r.code(0)
	return r.at, r.err
}

// ErrLayout is the reason of [Length] for a file that it cannot measure.
var ErrLayout = errors.New("a .mpy file of another version, or a linked native module: its layout is not known here")

// maxNesting bounds functions in functions and tuples in tuples.
const maxNesting = 200

// Kinds of constant objects (MP_PERSISTENT_OBJ_*). Those below objStr have no
// content.
const (
	objStr   = 5
	objBytes = 6
	objTuple = 10
)

// Kinds of code (MP_CODE_* from MP_CODE_BYTECODE on), and the flag of a scope
// that is followed by relocations.
const (
	codeBytecode = iota
	codePython   // native code of a Python function
	codeViper
	codeAsm
	scopeRelocated = 0x10 // MP_SCOPE_FLAG_VIPERRELOC
)

// A reader goes through a .mpy file. After the first error it stays where it is.
type reader struct {
	b   []byte
	at  int
	err error
}

var errCut = errors.New("the .mpy file is cut off")

func (r *reader) number() uint64 {
	if r.err != nil {
		return 0
	}
	v, n, err := varuint(r.b[r.at:])
	r.at, r.err = r.at+n, err
	return v
}

func (r *reader) skip(n uint64) {
	switch {
	case r.err != nil:
	case n > uint64(len(r.b)-r.at):
		r.err = errCut
	default:
		r.at += int(n)
	}
}

// qstr passes over a name: one of the firmware's own by its number, or its
// length, text and a NUL.
func (r *reader) qstr() {
	if n := r.number(); n&1 == 0 {
		r.skip(n>>1 + 1)
	}
}

func (r *reader) object(depth int) {
	if depth > maxNesting {
		r.err = errors.New("the .mpy file nests its constants too deeply")
	}
	kind := r.at
	if r.skip(1); r.err != nil || r.b[kind] < objStr {
		return
	}
	n := r.number()
	switch r.b[kind] {
	case objStr, objBytes:
		r.skip(n)
		r.skip(1) // NUL
	case objTuple:
		for ; n > 0 && r.err == nil; n-- {
			r.object(depth + 1)
		}
	default:
		r.skip(n)
	}
}

func (r *reader) code(depth int) {
	if depth > maxNesting {
		r.err = errors.New("the .mpy file nests its functions too deeply")
	}
	head := r.number()
	kind, children := head&3, head&4 != 0
	r.skip(head >> 3)
	switch kind {
	case codePython:
		r.number() // where its prelude is
	case codeViper, codeAsm:
		if r.number()&scopeRelocated != 0 && r.err == nil {
			r.err = ErrLayout
		}
		if kind == codeAsm {
			r.number() // arguments
			r.number() // and their types
		}
	}
	if !children {
		return
	}
	for n := r.number(); n > 0 && r.err == nil; n-- {
		r.code(depth + 1)
	}
}

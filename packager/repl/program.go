package repl

import (
	"bytes"
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"rules_romfs/internal/pyshrink"
)

//go:embed loader.py
var loaderSource string

// Loader returns the program that Guarded needs, as it is sent.
func Loader() string { return pyshrink.Names{}.Shrink(loaderSource) }

// Guarded returns the program that runs source if it arrived as it was sent, and
// else raises a KeyError. The Loader has to be there.
func Guarded(source string) string {
	return fmt.Sprintf("_go(%s,%d)\n", Literal([]byte(source)), Sum([]byte(source)))
}

// Sum is what _sum of the loader returns.
func Sum(b []byte) int {
	n := 1
	for _, c := range b {
		n = (n*31 + int(c)) % 33554393
	}
	return n
}

// Said returns what a program said under tag, in all that it printed: "~", the tag, the
// text, "|", what _sum of the loader returns for the text, and "~". What arrived damaged was
// not said.
func Said(out []byte, tag string) (string, bool) {
	_, rest, found := bytes.Cut(out, []byte("~"+tag))
	end := bytes.LastIndexByte(rest, '~')
	if !found || end < 0 {
		return "", false
	}
	bar := bytes.LastIndexByte(rest[:end], '|')
	if bar < 0 {
		return "", false
	}
	if n, err := strconv.Atoi(string(rest[bar+1 : end])); err != nil || n != Sum(rest[:bar]) {
		return "", false
	}
	return string(rest[:bar]), true
}

// Literal writes b as a Python bytes literal without control characters. One
// that is cut short is no valid program: what follows has line ends written
// with a backslash.
func Literal(b []byte) string {
	var s strings.Builder
	s.WriteString("b'")
	for _, c := range b {
		switch {
		case c == '\\' || c == '\'':
			s.WriteByte('\\')
			s.WriteByte(c)
		case c == '\n':
			s.WriteString(`\n`)
		case c < 0x20 || c > 0x7e:
			fmt.Fprintf(&s, "\\x%02x", c)
		default:
			s.WriteByte(c)
		}
	}
	s.WriteByte('\'')
	return s.String()
}

// collect ends each piece of a program on a board with little memory. What
// compiling left behind would otherwise lie between what stays, all over the heap.
const collect = "import gc\ngc.collect()\n"

// smallPiece is how much of a program, in bytes, a board with little memory
// compiles at once.
const smallPiece = 200

// SmallPieces returns what a board with little memory runs in place of a program,
// one after the other. The Loader has to be there.
func SmallPieces(program string) []string {
	all := Pieces(program, smallPiece)
	for i, piece := range all {
		all[i] = Guarded(piece + collect)
	}
	return all
}

// Pieces cuts a program between top-level statements into parts of at most
// size bytes where it can, so that a board with little memory never has to
// compile much at once.
func Pieces(source string, size int) []string {
	var out []string
	var part, statement string
	flush := func() {
		if part != "" && len(part)+len(statement) > size {
			out = append(out, part)
			part = ""
		}
		part += statement
		statement = ""
	}
	for line := range strings.Lines(source) {
		if !continues(line) {
			flush()
		}
		statement += line
	}
	flush()
	return append(out, part)
}

// continues tells whether a line belongs to the statement before it.
func continues(line string) bool {
	for _, start := range []string{" ", ")", "else:", "elif ", "except", "finally:"} {
		if strings.HasPrefix(line, start) {
			return true
		}
	}
	return false
}

package strictyaml

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// Limits of a document. They are above what people or generators write (a
// generated manifest of 20,000 files has up to 6 MB, 500,000 marks and 500,000
// quotes) and bound the memory and time that a hostile file costs.
const (
	// MaxBytes is the largest file that is parsed.
	MaxBytes = 8 << 20
	// MaxMarks bounds the characters that can begin a value (line ends and
	// the indicators , : [ { ), and so the size of the parsed tree.
	MaxMarks = 600_000
	// MaxQuotes bounds the characters that can begin something else that the
	// parser keeps: " ' & * !
	MaxQuotes = 1_000_000
	// MaxDepth is how deep values may nest.
	MaxDepth = 32
	// MaxAliased bounds the values that aliases expand to.
	MaxAliased = 100_000
	// MaxErrors is how many errors of one run are reported.
	MaxErrors = 100
)

// checkText refuses what would cost the parser memory, or what it would
// refuse without saying where.
func (d *Document) checkText(data []byte) {
	limit := func(chars string, most int, what string) bool {
		n := 0
		for _, c := range []byte(chars) {
			n += bytes.Count(data, []byte{c})
		}
		if n > most {
			d.add(Pos{}, "", CodeLimit, fmt.Sprintf("the file has more than %d %s", most, what), "is it the right file?")
		}
		return n > most
	}
	switch {
	case len(data) > MaxBytes:
		d.add(Pos{}, "", CodeLimit, fmt.Sprintf("the file has more than %d MiB", MaxBytes>>20), "is it the right file?")
	case limit("\n,:[{", MaxMarks, "lines, commas, colons and brackets"):
	case limit("\"'&*!", MaxQuotes, "quotes, stars, ampersands and exclamation marks"):
	default:
		d.checkCharacters(data)
	}
}

// checkCharacters refuses what is no text, and what is a line end to the parser
// and to nobody else: its lines would not be those of an editor, and there
// would be no bound to them.
func (d *Document) checkCharacters(data []byte) {
	line, col := 1, 1
	bad := func(remedy, format string, args ...any) {
		d.add(Pos{line, col}, "", CodeSyntax, fmt.Sprintf(format, args...), remedy)
	}
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && n <= 1:
			bad("save the file as UTF-8", "byte 0x%02x is no UTF-8", data[i])
			return
		case r == '\r' && (i+1 == len(data) || data[i+1] != '\n'):
			bad("save the file with the line ends of Unix or Windows", "a carriage return without a line feed")
			return
		case r == 0x85, r == 0x2028, r == 0x2029:
			bad("write a plain line end, or an escape in a double-quoted string", "the line separator U+%04X", r)
			return
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0x7f, r >= 0x80 && r < 0xa0, r == 0xfffe, r == 0xffff:
			bad("remove it, or write it as an escape in a double-quoted string", "control character U+%04X", r)
			return
		case r == '\n':
			line, col = line+1, 0
		}
		i, col = i+n, col+1
		d.end = Pos{line, col}
	}
}

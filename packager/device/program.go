package device

import (
	_ "embed"
	"strings"
)

// The programs that run on the board. They are kept readable here and sent
// without comments and with one blank an indent.
var (
	//go:embed board/probe.py
	probeSource string
	//go:embed board/segments.py
	segmentsSource string
	//go:embed board/link.py
	linkSource string
	//go:embed board/rom.py
	romSource string
	//go:embed board/rom_memory.py
	romMemorySource string
	//go:embed board/rom_blocks.py
	romBlocksSource string
	//go:embed board/build.py
	buildSource string
)

// shrink removes what the board need not parse: comments on lines of their
// own, empty lines, and three of four blanks of each indent. The programs have
// no strings over several lines.
func shrink(source string) string {
	var b strings.Builder
	for line := range strings.Lines(source) {
		text := strings.TrimLeft(line, " ")
		if text == "\n" || strings.HasPrefix(text, "#") {
			continue
		}
		b.WriteString(strings.Repeat(" ", (len(line)-len(text))/4))
		b.WriteString(text)
	}
	return b.String()
}

// pieces cuts a program between top-level statements into parts of at most
// size bytes where it can, so that a board with little memory never has to
// compile much at once.
func pieces(source string, size int) []string {
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

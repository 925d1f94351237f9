package strictyaml

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

// The library knows of a syntax error the line at best: often that of what the
// problem is in, one too low, or none. So the place is found by parsing what
// stands before it: it is the first at which the error appears and stays.

// A class is a kind of syntax errors that stand for the same defect.
type class struct {
	parts  []string // of the messages
	remedy string
	// began says that the place to look at is where something began that never
	// ends, and not where that is noticed.
	began bool
	// low is how much the library's line is below that of where it began.
	low int
	// ends are the characters that the error can appear at; empty for any.
	ends string
	// also are parts of messages that a text has which ends in what is wrong.
	also []string
	// whole says that all of the line's text is wrong, from its start.
	whole bool
	// from is the character that what is wrong begins with, before where the
	// error appears; 0 if it begins there.
	from byte
}

var classes = []class{
	{parts: []string{"mapping values are not allowed"}, remedy: "a value that contains \": \" needs quotes"},
	{parts: []string{"cannot start any token"}, remedy: "a value that begins with @, ` or % needs quotes"},
	{parts: []string{"did not find expected alphabetic or numeric character"}, remedy: "a value that begins with * or & needs quotes"},
	{parts: []string{"unknown anchor"}, remedy: "a value that begins with * needs quotes", from: '*'},
	{parts: []string{"did not find expected ',' or", "did not find expected node content"}, remedy: "close the list or mapping", began: true, low: 1, ends: "[]{},"},
	{parts: []string{"unexpected end of stream"}, remedy: "close the quotes", began: true, ends: "\"'"},
	{parts: []string{"could not find expected ':'"}, remedy: "a key needs a colon and a space behind it", began: true, whole: true},
	{parts: []string{"did not find expected key"}, remedy: "check the indentation, and the quotes before it"},
	{parts: []string{"did not find expected '-' indicator"}, remedy: "check the indentation: keys and items of a list do not mix", also: []string{"could not find expected ':'"}},
	{parts: []string{"block sequence entries are not allowed"}, remedy: "begin the list in a line of its own"},
	{parts: []string{"exceeded max depth"}, remedy: "is it the right file?"},
}

// classOf returns the class of a message; of one that is in none, one of its
// own.
func classOf(message string) *class {
	for i := range classes {
		if slices.ContainsFunc(classes[i].parts, func(part string) bool { return strings.Contains(message, part) }) {
			return &classes[i]
		}
	}
	return &class{parts: []string{message}}
}

// has reports whether a message is one of the class.
func (c *class) has(message string) bool {
	in := func(part string) bool { return strings.Contains(message, part) }
	return slices.ContainsFunc(c.parts, in) || slices.ContainsFunc(c.also, in)
}

// addSyntax turns the parser's error into an Error.
func (d *Document) addSyntax(err *parseError, data []byte) {
	s := &search{data: data, class: classOf(err.message)}
	pos := s.find(err)
	// The parser meets a tab in the indentation as something else.
	for l := max(pos.Line-1, 1); l <= pos.Line; l++ {
		text := data[s.start(l):s.end(l)]
		indent := text[:len(text)-len(bytes.TrimLeft(text, " \t"))]
		if i := bytes.IndexByte(indent, '\t'); i >= 0 {
			d.add(Pos{l, i + 1}, "", CodeSyntax, "a tab in the indentation", "YAML is indented with spaces")
			return
		}
	}
	d.add(pos, "", CodeSyntax, err.message, s.class.remedy)
}

// maxRetraced bounds the bytes that are parsed to find a place. Beyond, it is
// what the parser itself makes of it: in files of megabytes, the line that it
// stopped in.
const maxRetraced = 1 << 20

// A search looks for the place of a syntax error.
type search struct {
	data     []byte
	class    *class
	lines    []int // where each begins
	retraced int   // bytes parsed so far
}

// start and end return where a line begins and ends, without its line end;
// lines count from 1.
func (s *search) start(line int) int { return s.lines[line-1] }

func (s *search) end(line int) int {
	if line == len(s.lines) {
		return len(s.data)
	}
	return s.lines[line] - 1
}

// find returns the place of err.
func (s *search) find(err *parseError) Pos {
	s.lines = []int{0}
	for i, c := range s.data {
		if c == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	stopped, _ := slices.BinarySearch(s.lines, max(err.read, 1)) // the line that the parser stopped in
	line := stopped
	if s.class.began {
		if hint := max(err.line, 1-s.class.low) + s.class.low; hint < stopped && (s.end(hint) > maxRetraced || s.appears(s.end(hint))) {
			line = hint
		}
	}
	line = s.line(line)
	end := s.end(line)
	if line == stopped && !s.class.began {
		end = min(end, err.read)
	}
	return Pos{line, s.column(line, end)}
}

// appears reports whether the text up to end has the error.
func (s *search) appears(end int) bool {
	if s.retraced += end; s.retraced > maxRetraced {
		return false
	}
	_, _, err := load(s.data[:end])
	parse, ok := err.(*parseError)
	return ok && s.class.has(parse.message)
}

// line returns the first line from which on the error stays, not after line.
func (s *search) line(line int) int {
	before := line - 1 // whose end does not have the error
	for step := 1; before > 0 && s.appears(s.end(before)); step *= 2 {
		line, before = before, max(before-step, 0)
	}
	for line-before > 1 {
		if middle := (line + before) / 2; s.appears(s.end(middle)) {
			line = middle
		} else {
			before = middle
		}
	}
	return line
}

// column returns the column in a line from which on the error stays, not after
// end.
func (s *search) column(line, end int) int {
	start := s.start(line)
	text := s.data[start:end]
	indent := len(text) - len(bytes.TrimLeft(text, " \t"))
	at := indent
	for i := len(text); i > 0 && !s.class.whole; {
		_, n := utf8.DecodeLastRune(text[:i])
		if s.class.ends == "" || strings.IndexByte(s.class.ends, text[i-1]) >= 0 {
			if !s.appears(start + i) {
				break
			}
			at = i - n
		}
		i -= n
	}
	if s.retraced > maxRetraced {
		at = indent // it was not found
	} else if i := bytes.LastIndexByte(text[:min(at+1, len(text))], s.class.from); s.class.from != 0 && i >= 0 {
		at = i
	}
	return 1 + utf8.RuneCount(bytes.TrimPrefix(text[:at], []byte("\ufeff")))
}

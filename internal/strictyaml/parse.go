package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
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

// A Document is one parsed YAML file, with the position of every value.
type Document struct {
	file    string
	root    *yaml.Node // nil once parsing failed
	pos     map[string]Pos
	end     Pos // of the file
	errs    Errors
	aliased int  // values visited through aliases so far
	tooDeep bool // whether a value deeper than MaxDepth was reported
}

// Parse reads data as exactly one YAML document. The file name is only used
// in errors. An error is an [Errors].
func Parse(data []byte, file string) (*Document, error) {
	d := &Document{file: file, pos: map[string]Pos{}, end: Pos{1, 1}}
	if d.checkText(data); len(d.errs) > 0 {
		return nil, d.errs.Err()
	}
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("strictyaml: %w", err)
	}
	var top, second yaml.Node
	if err := load(loader, &top); errors.Is(err, io.EOF) {
		d.add(Pos{}, "", CodeSyntax, "the file is empty", "")
	} else if err != nil {
		d.addSyntax(err, data)
	} else if err := load(loader, &second); err == nil {
		d.add(Pos{second.Line, second.Column}, "", CodeSyntax, "a second YAML document begins here", "keep one document in one file and remove the --- line")
	} else if !errors.Is(err, io.EOF) {
		d.addSyntax(err, data)
	}
	if len(d.errs) > 0 {
		return nil, d.errs.Err()
	}
	d.root = top.Content[0]
	return d, nil
}

// load guards against panics of the parser: a file must never end the program
// that reads it.
func load(l *yaml.Loader, n *yaml.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the file cannot be parsed: %v", r)
		}
	}()
	return l.Load(n)
}

// checkText refuses what would cost the parser memory, or what it would
// refuse without saying where.
func (d *Document) checkText(data []byte) {
	if len(data) > MaxBytes {
		d.add(Pos{}, "", CodeLimit, fmt.Sprintf("the file has more than %d MiB", MaxBytes>>20), "is it the right file?")
		return
	}
	count := func(chars string) (n int) {
		for _, c := range []byte(chars) {
			n += bytes.Count(data, []byte{c})
		}
		return n
	}
	if count("\n,:[{") > MaxMarks {
		d.add(Pos{}, "", CodeLimit, fmt.Sprintf("the file has more than %d lines, commas, colons and brackets", MaxMarks), "is it the right file?")
		return
	}
	if count("\"'&*!") > MaxQuotes {
		d.add(Pos{}, "", CodeLimit, fmt.Sprintf("the file has more than %d quotes, stars, ampersands and exclamation marks", MaxQuotes), "is it the right file?")
		return
	}
	line, col := 1, 1
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && n <= 1:
			d.add(Pos{line, col}, "", CodeSyntax, fmt.Sprintf("byte 0x%02x is no UTF-8", data[i]), "save the file as UTF-8")
			return
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0x7f, r >= 0x80 && r < 0xa0 && r != 0x85, r == 0xfffe, r == 0xffff:
			d.add(Pos{line, col}, "", CodeSyntax, fmt.Sprintf("control character U+%04X", r), "remove it, or write it as an escape in a double-quoted string")
			return
		case r == '\n':
			line, col = line+1, 0
		}
		i, col = i+n, col+1
		d.end = Pos{line, col}
	}
}

// remedies says what to do about the parser's messages that people meet.
var remedies = []struct{ part, remedy string }{
	{"mapping values are not allowed", "a value that contains \": \" needs quotes"},
	{"cannot start any token", "a value that begins with @, ` or % needs quotes"},
	{"did not find expected alphabetic or numeric character", "a value that begins with * or & needs quotes"},
	{"unknown anchor", "a value that begins with * needs quotes"},
	{"did not find expected ',' or", "close the list or mapping"},
	{"unexpected end of stream", "close the quotes"},
	{"exceeded max depth", "is it the right file?"},
}

// addSyntax turns the parser's error into an Error.
func (d *Document) addSyntax(err error, data []byte) {
	var le *yaml.LoadError
	if !errors.As(err, &le) {
		d.add(Pos{}, "", CodeSyntax, err.Error(), "")
		return
	}
	pos := Pos{le.Mark.Line, le.Mark.Column}
	// What was begun and never ended is missed at the end of the file; the
	// place to look at is where it began.
	if le.ContextMark.Line > 0 && le.ContextMark.Line < pos.Line {
		pos = Pos{le.ContextMark.Line, le.ContextMark.Column}
	}
	lines := bytes.Split(data, []byte("\n"))
	// The parser meets a tab in the indentation as something else.
	for l := max(le.Mark.Line-1, 1); l <= min(le.Mark.Line, len(lines)); l++ {
		text := lines[l-1]
		indent := text[:len(text)-len(bytes.TrimLeft(text, " \t"))]
		if i := bytes.IndexByte(indent, '\t'); i >= 0 {
			d.add(Pos{l, i + 1}, "", CodeSyntax, "a tab in the indentation", "YAML is indented with spaces")
			return
		}
	}
	for _, r := range remedies {
		if strings.Contains(le.Message, r.part) {
			d.add(pos, "", CodeSyntax, le.Message, r.remedy)
			return
		}
	}
	d.add(pos, "", CodeSyntax, le.Message, "")
}

// clamp moves a position behind the end, where the parser puts what is missing
// at the end of the file, to the end.
func (d *Document) clamp(p Pos) Pos {
	if p.Line > d.end.Line {
		return d.end
	}
	return p
}

func (d *Document) add(p Pos, path, code, message, remedy string) {
	p = d.clamp(p)
	if len(d.errs) > MaxErrors {
		return // one more than are reported, so that the last says so
	}
	d.errs = append(d.errs, &Error{File: d.file, Line: p.Line, Column: p.Column, Rule: path, Code: code, Message: message, Remedy: remedy})
}

// Has reports whether the document sets the value at path, such as
// "files[2].src".
func (d *Document) Has(path string) bool {
	_, ok := d.pos[path]
	return ok
}

// Refused reports whether the value at path could not be read as what it ought
// to be. That something is missing in it is then no defect of its own.
func (d *Document) Refused(path string) bool {
	return slices.ContainsFunc(d.errs, func(e *Error) bool { return e.Rule == path && e.Code != CodeMissingKey })
}

// Pos returns where the value at path stands. For a path that the document
// does not set it is the place of the nearest value around it.
func (d *Document) Pos(path string) Pos {
	for {
		if p, ok := d.pos[path]; ok {
			return p
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return d.pos[""]
		}
		path = path[:i]
	}
}

// Errorf returns an Error about the value at path.
func (d *Document) Errorf(path, code, remedy, format string, args ...any) *Error {
	p := d.Pos(path)
	return &Error{File: d.file, Line: p.Line, Column: p.Column, Rule: path, Code: code, Message: fmt.Sprintf(format, args...), Remedy: remedy}
}

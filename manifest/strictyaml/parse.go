package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// Limits of a document. They are far above what people or generators write
// (a generated manifest of 20,000 files has about 3 MB and 140,000 marks) and keep
// the memory and time of a hostile file small.
const (
	// MaxBytes is the largest file that is parsed.
	MaxBytes = 8 << 20
	// MaxMarks bounds the characters that can begin a value (line ends and
	// the indicators , : [ { ), and so the size of the parsed tree.
	MaxMarks = 400_000
	// MaxDepth is how deep values may nest.
	MaxDepth = 32
	// MaxValues bounds the values after aliases are expanded.
	MaxValues = 1_000_000
)

// A Document is one parsed YAML file, with the position of every value.
type Document struct {
	file   string
	root   *yaml.Node // nil once parsing failed
	pos    map[string]Pos
	errs   Errors
	values int // visited so far, aliases expanded
}

// Parse reads data as exactly one YAML document. The file name is only used
// in errors. An error is an [Errors].
func Parse(data []byte, file string) (*Document, error) {
	d := &Document{file: file, pos: map[string]Pos{}}
	if d.checkText(data); len(d.errs) > 0 {
		return nil, d.errs.Err()
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var top yaml.Node
	if err := decodeNode(dec, &top); err != nil {
		if errors.Is(err, io.EOF) {
			d.add(Pos{}, "", CodeSyntax, "the file is empty", "")
		} else {
			d.addSyntax(err, data)
		}
		return nil, d.errs.Err()
	}
	var second yaml.Node
	switch err := decodeNode(dec, &second); {
	case err == nil:
		p := Pos{second.Line, second.Column}
		d.add(p, "", CodeSyntax, "a second YAML document begins here", "keep one document in one file and remove the --- line")
	case !errors.Is(err, io.EOF):
		d.addSyntax(err, data)
	}
	if len(d.errs) > 0 {
		return nil, d.errs.Err()
	}
	d.root = top.Content[0]
	return d, nil
}

// decodeNode guards against panics of the parser: a file must never end the
// program that reads it.
func decodeNode(dec *yaml.Decoder, n *yaml.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: cannot be parsed: %v", r)
		}
	}()
	return dec.Decode(n)
}

// checkText refuses what would cost the parser memory, or what it would
// refuse without saying where.
func (d *Document) checkText(data []byte) {
	if len(data) > MaxBytes {
		d.add(Pos{}, "", CodeLimit, fmt.Sprintf("the file has %d bytes, more than %d MiB", len(data), MaxBytes>>20), "is it the right file?")
		return
	}
	marks := 0
	for _, c := range [...]string{"\n", ",", ":", "[", "{"} {
		marks += bytes.Count(data, []byte(c))
	}
	if marks > MaxMarks {
		d.add(Pos{}, "", CodeLimit, fmt.Sprintf("the file has more than %d lines, commas, colons and brackets", MaxMarks), "is it the right file?")
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
	}
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)

// addSyntax turns the parser's message into an Error with a position.
func (d *Document) addSyntax(err error, data []byte) {
	msg, pos := err.Error(), Pos{}
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		pos.Line, _ = strconv.Atoi(m[1])
		msg = msg[len(m[0]):]
	}
	msg = strings.TrimPrefix(msg, "yaml: ")
	remedy := ""
	lines := strings.Split(string(data), "\n")
	// The parser names the line where it gave up, which for a tab in the
	// indentation may be the one before.
	for l := max(pos.Line-1, 1); l <= min(pos.Line+1, len(lines)); l++ {
		text := lines[l-1]
		indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
		if i := strings.IndexByte(indent, '\t'); i >= 0 {
			d.add(Pos{l, i + 1}, "", CodeSyntax, "a tab in the indentation", "YAML is indented with spaces")
			return
		}
	}
	if pos.Line >= 1 && pos.Line <= len(lines) {
		text := lines[pos.Line-1]
		pos.Column = 1 + len(text) - len(strings.TrimLeft(text, " "))
	}
	if strings.Contains(msg, "mapping values are not allowed") {
		remedy = "a value that contains \": \" needs quotes"
	} else if strings.Contains(msg, "cannot start any token") {
		remedy = "a value that begins with @, `, % or another indicator needs quotes"
	} else if strings.Contains(msg, "did not find expected alphabetic or numeric character") {
		remedy = "a value that begins with * or & needs quotes"
	}
	d.add(pos, "", CodeSyntax, msg, remedy)
}

func (d *Document) add(p Pos, path, code, message, remedy string) {
	d.errs = append(d.errs, &Error{File: d.file, Line: p.Line, Column: p.Column, Rule: path, Code: code, Message: message, Remedy: remedy})
}

// File returns the name that the document was parsed under.
func (d *Document) File() string { return d.file }

// Has reports whether the document sets the value at path, such as
// "files[2].src".
func (d *Document) Has(path string) bool {
	_, ok := d.pos[path]
	return ok
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

package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"rules_romfs/internal/lazyregexp"
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
	data = directive(data)
	top, second, err := load(data)
	switch {
	case errors.Is(err, io.EOF):
		d.add(Pos{}, "", CodeSyntax, "the file is empty", "")
	case err != nil:
		d.addSyntax(err.(*parseError), data)
	case second != nil:
		d.add(Pos{second.Line, second.Column}, "", CodeSyntax, "a second YAML document begins here", "keep one document in one file and remove the --- line")
	}
	if len(d.errs) > 0 {
		return nil, d.errs.Err()
	}
	d.root = top.Content[0]
	return d, nil
}

var yamlDirective = lazyregexp.New(`\A(?:\x{feff})?(?:[ \t]*(?:#[^\n]*)?\r?\n)*%YAML[ \t]+1\.([0-9])`)

// directive lets a file say that it is YAML 1.2: the library knows 1.1 alone, and
// what they differ in is not accepted here.
func directive(data []byte) []byte {
	m := yamlDirective().FindSubmatchIndex(data)
	if m == nil || data[m[2]] == '1' {
		return data
	}
	data = bytes.Clone(data)
	data[m[2]] = '1'
	return data
}

// A parseError is the library's, and how far it had read.
type parseError struct {
	message string // without its line
	line    int    // as the library has it: of the problem or of what it is in; 0 for none
	read    int    // bytes
}

func (e *parseError) Error() string { return e.message }

// load parses the first two documents of data. Its errors are io.EOF, for no
// document at all, and [*parseError].
func load(data []byte) (top, second *yaml.Node, err error) {
	in := &counter{data: data}
	dec := yaml.NewDecoder(in)
	if top, err = loadOne(dec, in); err != nil {
		return nil, nil, err
	}
	if second, err = loadOne(dec, in); errors.Is(err, io.EOF) {
		err = nil
	}
	return top, second, err
}

var libraryLine = lazyregexp.New(`^yaml: (?:line ([0-9]+): )?`)

// loadOne guards against panics of the library: a file must never end the
// program that reads it.
func loadOne(dec *yaml.Decoder, in *counter) (n *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			n, err = nil, &parseError{message: fmt.Sprintf("the file cannot be parsed: %v", r), read: in.read}
		}
	}()
	n = new(yaml.Node)
	if err = dec.Decode(n); err == nil {
		return n, nil
	}
	if errors.Is(err, io.EOF) {
		return nil, err
	}
	m := libraryLine().FindStringSubmatch(err.Error())
	if m == nil {
		return nil, &parseError{message: err.Error(), read: in.read}
	}
	line, _ := strconv.Atoi(m[1])
	return nil, &parseError{err.Error()[len(m[0]):], line, in.read}
}

// A counter hands out a text byte by byte, so that the library has read no
// further than it looked when it finds an error.
type counter struct {
	data []byte
	read int
}

func (c *counter) Read(p []byte) (int, error) {
	if c.read == len(c.data) {
		return 0, io.EOF
	}
	n := copy(p[:min(1, len(p))], c.data[c.read:])
	c.read += n
	return n, nil
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

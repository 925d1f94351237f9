package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"rules_romfs/manifest"
)

// Limits of a configuration: far above what people write.
const (
	maxSource = 8 << 20 // bytes
	maxDepth  = 32
)

// A node is one JSON value and where it stands. Only what its kind needs is
// set.
type node struct {
	value  any      // string, json.Number, bool or nil; '{' or '[' (json.Delim) for the others
	keys   []*node  // of an object, in order
	values []*node  // of an object or array
	offset int64    // of its first byte
	doc    *jsonDoc // what it is part of
}

// A jsonDoc is a JSON file that has been read.
type jsonDoc struct {
	file string
	data []byte
	root *node
}

// parseJSON reads a JSON file, of which every value knows its place. Its
// errors are manifest.Errors. YAML would read most of such files, but not tabs in
// front of the first value, pairs of surrogates, and keys of a kilobyte.
func parseJSON(data []byte, file string) (*jsonDoc, error) {
	d := &jsonDoc{file: file, data: data}
	switch {
	case len(data) > maxSource:
		return nil, manifest.Errors{{File: file, Code: manifest.CodeLimit, Message: fmt.Sprintf("more than %d bytes: no configuration that somebody wrote", maxSource)}}
	case !utf8.Valid(data):
		return nil, manifest.Errors{d.errorAt(int64(firstInvalid(data)), codeSyntax, "", "is no UTF-8 here")}
	}
	// The whole text is checked first: then no token can be wrong, and the
	// place of what is wrong is exact.
	if err := json.Unmarshal(data, new(json.RawMessage)); err != nil {
		offset, what := int64(len(data)), "it ends in the middle"
		if wrong := (*json.SyntaxError)(nil); errors.As(err, &wrong) && wrong.Offset < offset+1 && err.Error() != "unexpected end of JSON input" {
			offset, what = wrong.Offset-1, err.Error() // the offset counts the wrong byte too
		}
		return nil, manifest.Errors{d.errorAt(offset, codeSyntax, "", "is no JSON here: %s", what)}
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var err error
	if d.root, err = (&jsonParser{d, dec}).value(0); err != nil {
		return nil, manifest.Errors{err.(*manifest.Error)}
	}
	return d, nil
}

// Codes of errors that are also strictyaml's.
const (
	codeSyntax = "syntax"
	codeValue  = "value"
)

type jsonParser struct {
	doc *jsonDoc
	dec *json.Decoder
}

// skip returns where the next token begins.
func (p *jsonParser) skip() int64 {
	i := p.dec.InputOffset()
	for i < int64(len(p.doc.data)) && bytes.IndexByte([]byte(" \t\r\n,:"), p.doc.data[i]) >= 0 {
		i++
	}
	return i
}

// value reads the next value. Its error is a *manifest.Error.
func (p *jsonParser) value(depth int) (*node, error) {
	n := &node{offset: p.skip(), doc: p.doc}
	if depth > maxDepth {
		return nil, n.errorf(manifest.CodeLimit, "", "more than %d levels deep", maxDepth)
	}
	n.value = p.token()
	if !n.isObject() && !n.isArray() {
		return n, nil
	}
	seen := map[string]bool{}
	for p.dec.More() {
		if n.isObject() {
			key := &node{offset: p.skip(), doc: p.doc}
			key.value = p.token()
			name := key.value.(string)
			if seen[name] {
				return nil, key.errorf("duplicate-key", "keep one of them", "%q is there twice, and only the last would count", name)
			}
			seen[name] = true
			n.keys = append(n.keys, key)
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.values = append(n.values, v)
	}
	p.token() // the closing bracket
	return n, nil
}

// token returns the next token of a text that was found to be JSON.
func (p *jsonParser) token() json.Token {
	t, err := p.dec.Token()
	if err != nil {
		panic(fmt.Sprintf("importer: JSON that is valid as a whole has a wrong token: %v", err))
	}
	return t
}

func firstInvalid(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(data)
}

// pos returns line and column, both from 1; a column counts characters.
func (d *jsonDoc) pos(offset int64) (line, column int) {
	before := d.data[:min(offset, int64(len(d.data)))]
	line = 1 + bytes.Count(before, []byte{'\n'})
	return line, 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
}

func (d *jsonDoc) errorAt(offset int64, code, remedy, format string, args ...any) *manifest.Error {
	line, column := d.pos(offset)
	return &manifest.Error{File: d.file, Line: line, Column: column, Code: code, Message: fmt.Sprintf(format, args...), Remedy: remedy}
}

// errorf is an error about the value.
func (n *node) errorf(code, remedy, format string, args ...any) *manifest.Error {
	return n.doc.errorAt(n.offset, code, remedy, format, args...)
}

// get returns the value of a key of an object; nil if it is not there.
func (n *node) get(key string) *node {
	for i, k := range n.keys {
		if k.value == key {
			return n.values[i]
		}
	}
	return nil
}

func (n *node) isObject() bool { return n.value == json.Delim('{') }
func (n *node) isArray() bool  { return n.value == json.Delim('[') }

// kind names the type of a value for people.
func (n *node) kind() string {
	switch n.value.(type) {
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case bool:
		return "true or false"
	case nil:
		return "null"
	}
	if n.isArray() {
		return "a list"
	}
	return "an object"
}

package strictyaml

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// A Kind is the type of a YAML value.
type Kind string

// The kinds of values, named as people would.
const (
	Null   Kind = "nothing"
	Bool   Kind = "a truth value"
	Int    Kind = "a whole number"
	Float  Kind = "a decimal number"
	String Kind = "a string"
	List   Kind = "a list"
	Map    Kind = "a mapping"
	Other  Kind = "a value with a tag of its own"
)

// A Value is one value of a document, handed to types that decode themselves.
type Value struct {
	d     *Document
	n     *yaml.Node
	path  string
	depth int
	// aliased says that the value was reached through an alias.
	aliased bool
}

// at returns the value of n under path, with aliases resolved, and notes its
// position.
func (v Value) at(n *yaml.Node, path string) Value {
	c := Value{v.d, n, path, v.depth + 1, v.aliased || n.Kind == yaml.AliasNode}
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if _, ok := v.d.pos[path]; !ok {
		v.d.pos[path] = v.d.clamp(Pos{c.n.Line, c.n.Column})
	}
	c.n = n
	return c
}

// enter refuses values that are too deep or, through aliases, too many. It
// reports each once.
func (v Value) enter() bool {
	switch {
	case v.d.full() || v.d.aliased > MaxAliased:
		return false
	case v.depth > MaxDepth:
		if v.d.tooDeep {
			return false
		}
		v.d.tooDeep = true
		v.Errorf(CodeLimit, "", "values nest deeper than %d", MaxDepth)
		return false
	case !v.aliased:
		return true
	}
	if v.d.aliased++; v.d.aliased > MaxAliased {
		v.Errorf(CodeLimit, "write the values out", "aliases expand to more than %d values", MaxAliased)
		return false
	}
	return true
}

// full reports whether there are so many errors that more are of no use.
func (d *Document) full() bool { return len(d.errs) > MaxErrors }

// Kind returns the type of v.
func (v Value) Kind() Kind {
	switch v.n.Kind {
	case yaml.SequenceNode:
		if v.n.ShortTag() == "!!seq" {
			return List
		}
	case yaml.MappingNode:
		if v.n.ShortTag() == "!!map" {
			return Map
		}
	case yaml.ScalarNode:
		switch v.n.ShortTag() {
		case "!!null":
			return Null
		case "!!bool":
			return Bool
		case "!!int":
			return Int
		case "!!float":
			if zerosAhead().MatchString(v.n.Value) {
				return Int // that plainNumber refuses, as it does 010
			}
			return Float
		case "!!str", "!!timestamp": // a date is a string to everybody but YAML 1.1
			return String
		}
	}
	return Other
}

// Text returns a scalar as it is written, without quotes.
func (v Value) Text() string { return v.n.Value }

// Errorf reports a defect of v.
func (v Value) Errorf(code, remedy, format string, args ...any) {
	v.addAt(v.d.Pos(v.path), code, remedy, format, args...)
}

func (v Value) addAt(p Pos, code, remedy, format string, args ...any) {
	v.d.add(p, v.path, code, fmt.Sprintf(format, args...), remedy)
}

// WrongType reports that v is not what is wanted, such as "a list".
func (v Value) WrongType(want string) {
	switch k := v.Kind(); {
	case k == Null:
		v.Errorf(CodeType, "remove the key, or give it a value", "has no value, and takes %s", want)
	case k == Other:
		v.Errorf(CodeType, "remove the tag", "has the tag %s, and takes %s", v.n.Tag, want)
	case want == string(String) && (k == Int || k == Float || k == Bool):
		v.Errorf(CodeType, fmt.Sprintf("write it in quotes: %q", v.Text()), "is %s, and takes %s", k, want)
	case k == List || k == Map:
		v.Errorf(CodeType, "", "is %s, and takes %s", k, want)
	default:
		v.Errorf(CodeType, "", "is %s (%s), and takes %s", k, Quote(v.Text()), want)
	}
}

// String returns v as a string, or reports that it is none.
func (v Value) String() (string, bool) {
	if !v.enter() {
		return "", false
	}
	if v.Kind() != String {
		v.WrongType(string(String))
		return "", false
	}
	return v.n.Value, true
}

// Bool returns v as a truth value, or reports that it is none.
func (v Value) Bool() (b, ok bool) {
	if !v.enter() {
		return false, false
	}
	if v.Kind() != Bool || v.n.Decode(&b) != nil {
		v.WrongType("true or false")
		return false, false
	}
	return b, true
}

// Int returns v as a whole number, or reports that it is none.
func (v Value) Int() (i int64, ok bool) {
	if !v.enter() {
		return 0, false
	}
	if v.Kind() != Int {
		v.WrongType(string(Int))
		return 0, false
	}
	if !v.plainNumber() {
		return 0, false
	}
	if v.n.Decode(&i) != nil {
		v.Errorf(CodeValue, "", "%s is out of range", Quote(v.Text()))
		return 0, false
	}
	return i, true
}

// plainNumber refuses numbers that one reader of YAML takes for another number
// than the next: 010 is eight in YAML 1.1, and ten in YAML 1.2.
func (v Value) plainNumber() bool {
	if wholeNumber().MatchString(v.Text()) {
		return true
	}
	v.Errorf(CodeValue, numberRemedy, "%s is written in a way that not everybody reads alike", Quote(v.Text()))
	return false
}

// Uint returns v as a whole number from 0, or reports that it is none.
func (v Value) Uint() (u uint64, ok bool) {
	if !v.enter() {
		return 0, false
	}
	if v.Kind() != Int {
		v.WrongType(string(Int))
		return 0, false
	}
	if !v.plainNumber() {
		return 0, false
	}
	if v.n.Decode(&u) != nil {
		v.Errorf(CodeValue, "", "%s is out of range", Quote(v.Text()))
		return 0, false
	}
	return u, true
}

// List returns the items of v, or reports that it is no list.
func (v Value) List() ([]Value, bool) {
	if !v.enter() {
		return nil, false
	}
	if v.Kind() != List {
		v.WrongType(string(List))
		return nil, false
	}
	out := make([]Value, len(v.n.Content))
	for i, n := range v.n.Content {
		out[i] = v.at(n, v.path+"["+strconv.Itoa(i)+"]")
	}
	return out, true
}

// A key is one key of a mapping with its value.
type key struct {
	name  string
	pos   Pos
	value Value
}

// keys returns the keys of v in file order, or reports that it is no mapping.
// Keys that cannot be used are reported and left out.
func (v Value) keys() ([]key, bool) {
	if !v.enter() {
		return nil, false
	}
	if v.Kind() != Map {
		v.WrongType(string(Map))
		return nil, false
	}
	first := map[string]Pos{}
	var out []key
	for i := 0; i+1 < len(v.n.Content); i += 2 {
		kn := v.n.Content[i]
		pos := Pos{kn.Line, kn.Column}
		if kn.Kind == yaml.ScalarNode && kn.ShortTag() == "!!merge" {
			v.addAt(pos, CodeSyntax, "write the keys out", "merge keys (<<) are not supported")
			continue
		}
		if kn.Kind != yaml.ScalarNode || kn.ShortTag() != "!!str" {
			v.addAt(pos, CodeSyntax, "write a plain name before the colon", "a key is not a string")
			continue
		}
		path := kn.Value
		switch {
		case len(path) > maxQuoted:
			path = Quote(path) // it is part of each message about what is below
		case strings.ContainsAny(path, ".[] \n") || path == "":
			path = strconv.Quote(path)
		}
		if v.path != "" {
			path = v.path + "." + path
		}
		if v.d.full() {
			return nil, false
		}
		if before, dup := first[kn.Value]; dup {
			v.d.add(pos, path, CodeDuplicateKey, fmt.Sprintf("the key is given twice, first in line %d", before.Line), "keep one")
			continue
		}
		first[kn.Value] = pos
		out = append(out, key{kn.Value, pos, v.at(v.n.Content[i+1], path)})
	}
	return out, true
}

// Decode decodes v into what into points to, by the rules of [Decode].
func (v Value) Decode(into any) {
	to := reflect.ValueOf(into)
	if v.path == "" && v.depth == 0 {
		v.at(v.n, "")
	}
	v.decode(to.Elem(), rules{})
}

// Lookup returns the value of a key of the top mapping, before the document
// is decoded.
func (d *Document) Lookup(name string) (Value, bool) {
	if d.root.Kind != yaml.MappingNode {
		return Value{}, false
	}
	for i := 0; i+1 < len(d.root.Content); i += 2 {
		if d.root.Content[i].Value == name {
			return Value{d: d, n: d.root}.at(d.root.Content[i+1], name), true
		}
	}
	return Value{}, false
}

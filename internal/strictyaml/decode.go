// Package strictyaml decodes YAML files that people write, strictly: an
// unknown or duplicate key, a wrong type or an empty value is an error with
// its line and column, and all errors of a file are reported together.
//
// Structs say what is legal in their tags: `yaml:"name"` names the key and
// `jsonschema:"required,enum=a,minimum=0,pattern=…"` constrains the value.
// The JSON Schema that editors use is generated from the same tags (package
// schemagen), so that the two agree. Types with several spellings implement
// [Unmarshaler].
//
// Of YAML, exactly one document is read. Anchors and aliases work; merge keys
// (<<), custom tags and empty values do not. What a file may cost is bounded:
// see [MaxBytes], [MaxMarks], [MaxDepth] and [MaxAliased].
//
// This package is the only one of the project that knows a YAML library.
package strictyaml

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// An Unmarshaler decodes itself. It reports defects through the value's
// methods. Types that implement it also describe themselves to the schema
// generator, see schemagen.
type Unmarshaler interface{ UnmarshalValue(v Value) }

// A KeyReserver is a struct with keys that are refused for a reason of their
// own: a later version gives them a meaning, or they belong elsewhere. The
// map holds the error messages.
type KeyReserver interface{ ReservedKeys() map[string]string }

// Decode parses data and decodes it into the struct that into points to.
// The error, if any, is an [Errors].
func Decode(data []byte, file string, into any) error {
	d, err := Parse(data, file)
	if err != nil {
		return err
	}
	return d.Decode(into)
}

// Decode decodes the document into the struct that into points to. The
// error, if any, is an [Errors]; into then holds what could be decoded. A
// document is decoded once; afterwards only the positions of its values are
// kept.
func (d *Document) Decode(into any) error {
	Value{d: d, n: d.root}.Decode(into)
	d.root = nil // the tree is many times the size of the text
	if len(d.errs) == 0 {
		return nil
	}
	return d.errs.Limit(d.file)
}

// decode stores v in the settable value to.
func (v Value) decode(to reflect.Value, r rules) {
	if to.CanAddr() && to.Kind() != reflect.Pointer {
		if u, ok := to.Addr().Interface().(Unmarshaler); ok {
			u.UnmarshalValue(v)
			return
		}
	}
	switch to.Kind() {
	case reflect.Pointer:
		p := reflect.New(to.Type().Elem())
		v.decode(p.Elem(), r)
		to.Set(p)
	case reflect.Struct:
		v.decodeStruct(to)
	case reflect.Slice:
		v.decodeSlice(to, r)
	case reflect.String:
		if s, ok := v.String(); ok && v.checkString(s, r) {
			to.SetString(s)
		}
	case reflect.Bool:
		if b, ok := v.Bool(); ok {
			to.SetBool(b)
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if i, ok := v.Int(); ok && v.checkInt(i, to, r) {
			to.SetInt(i)
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if u, ok := v.Uint(); ok && v.checkUint(u, to, r) {
			to.SetUint(u)
		}
	default:
		panic("strictyaml: cannot decode into " + to.Type().String())
	}
}

func (v Value) decodeStruct(to reflect.Value) {
	keys, ok := v.keys()
	if !ok {
		return
	}
	t := structOf(to.Type())
	reserved := map[string]string{}
	if kr, ok := to.Interface().(KeyReserver); ok {
		reserved = kr.ReservedKeys()
	}
	seen := map[string]bool{}
	for _, k := range keys {
		if v.d.full() {
			return
		}
		seen[k.name] = true
		f := t.byName[k.name]
		if f == nil {
			if why, ok := reserved[k.name]; ok {
				k.value.addAt(k.pos, CodeReservedKey, "remove it", "%s", why)
				continue
			}
			remedy := "known keys are " + strings.Join(t.names(), ", ")
			if c := Closest(k.name, t.names()); c != "" {
				remedy = fmt.Sprintf("did you mean %q?", c)
			}
			k.value.addAt(k.pos, CodeUnknownKey, remedy, "unknown key")
			continue
		}
		k.value.decode(to.FieldByIndex(f.index), f.rules)
	}
	for _, f := range t.fields {
		if f.rules.required && !seen[f.name] {
			v.Errorf(CodeMissingKey, "add it", "the key %q is missing", f.name)
		}
	}
}

func (v Value) decodeSlice(to reflect.Value, r rules) {
	items, ok := v.List()
	if !ok {
		return
	}
	if len(items) < r.minItems {
		v.Errorf(CodeValue, "", "needs at least %d", r.minItems)
		return
	}
	r.minItems = 0
	out := reflect.MakeSlice(to.Type(), len(items), len(items))
	for i, item := range items {
		item.decode(out.Index(i), r)
	}
	to.Set(out)
}

func (v Value) checkString(s string, r rules) bool {
	switch {
	case len(r.enum) > 0:
		for _, e := range r.enum {
			if s == e {
				return true
			}
		}
		remedy := "write one of " + strings.Join(r.enum, ", ")
		if c := Closest(s, r.enum); c != "" {
			remedy = fmt.Sprintf("did you mean %q? Otherwise %s", c, remedy)
		}
		v.Errorf(CodeValue, remedy, "%s is no legal value", Quote(s))
	case utf8.RuneCountInString(s) < r.minLength:
		v.Errorf(CodeValue, "", "is empty")
	case r.maxLength > 0 && utf8.RuneCountInString(s) > r.maxLength:
		v.Errorf(CodeValue, "", "has more than %d characters", r.maxLength)
	case r.pattern != nil && !r.pattern.MatchString(s):
		v.Errorf(CodeValue, "it has to match "+r.pattern.String(), "%s is no legal value", Quote(s))
	default:
		return true
	}
	return false
}

func (v Value) checkInt(i int64, to reflect.Value, r rules) bool {
	if to.OverflowInt(i) || r.minimum != nil && i < *r.minimum || r.maximum != nil && i > *r.maximum {
		v.addRange(strconv.FormatInt(i, 10), r)
		return false
	}
	return v.checkIntEnum(strconv.FormatInt(i, 10), r)
}

func (v Value) checkUint(u uint64, to reflect.Value, r rules) bool {
	if to.OverflowUint(u) || r.minimum != nil && u < uint64(*r.minimum) || r.maximum != nil && u > uint64(*r.maximum) {
		v.addRange(strconv.FormatUint(u, 10), r)
		return false
	}
	return v.checkIntEnum(strconv.FormatUint(u, 10), r)
}

func (v Value) checkIntEnum(s string, r rules) bool {
	if len(r.enum) == 0 {
		return true
	}
	for _, e := range r.enum {
		if s == e {
			return true
		}
	}
	v.Errorf(CodeValue, "write one of "+strings.Join(r.enum, ", "), "%s is no legal value", s)
	return false
}

func (v Value) addRange(got string, r rules) {
	switch {
	case r.minimum != nil && r.maximum != nil:
		v.Errorf(CodeValue, fmt.Sprintf("write a number from %d to %d", *r.minimum, *r.maximum), "%s is out of range", got)
	case r.minimum != nil:
		v.Errorf(CodeValue, fmt.Sprintf("write a number from %d", *r.minimum), "%s is out of range", got)
	default:
		v.Errorf(CodeValue, "", "%s is out of range", got)
	}
}

// maxQuoted is how many characters of a text are quoted in whole.
const maxQuoted = 80

// Quote quotes text from a file for a message and shortens what is too long
// to be read.
func Quote(s string) string {
	if utf8.RuneCountInString(s) > maxQuoted {
		r := []rune(s)
		return strconv.Quote(string(r[:maxQuoted/2])) + "…" + strconv.Quote(string(r[len(r)-maxQuoted/4:])) + fmt.Sprintf(" (%d bytes)", len(s))
	}
	return strconv.Quote(s)
}

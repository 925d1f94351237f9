package spec

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"rules_romfs/internal/lazyregexp"
	"rules_romfs/internal/strictyaml"
	"rules_romfs/manifest/internal/code"
)

// This file holds the types that have more than one spelling in YAML. Each
// decodes itself and says its JSON Schema beside that.

// A Partition is the name or the index of a partition; empty for the board's
// first. An index is kept in decimal.
type Partition string

// UnmarshalValue implements [strictyaml.Unmarshaler].
func (p *Partition) UnmarshalValue(v strictyaml.Value) {
	if v.Kind() == strictyaml.Int {
		if u, ok := v.Uint(); ok {
			*p = Partition(strconv.FormatUint(u, 10))
		}
		return
	}
	if v.Kind() != strictyaml.String {
		v.WrongType("the name or the index of a partition")
	} else if s, ok := v.String(); ok {
		if s == "" {
			v.Errorf(strictyaml.CodeValue, "remove the key, or give it a value", "is empty")
		}
		*p = Partition(s)
	}
}

// JSONSchemaOf describes the type to the schema generator.
func (Partition) JSONSchemaOf() any {
	return map[string]any{"oneOf": []any{
		map[string]any{"type": "string", "minLength": 1},
		map[string]any{"type": "integer", "minimum": 0},
	}}
}

// Patterns is one pattern or a list of them.
type Patterns []string

// UnmarshalValue implements [strictyaml.Unmarshaler].
func (p *Patterns) UnmarshalValue(v strictyaml.Value) {
	var items []strictyaml.Value
	switch v.Kind() {
	case strictyaml.String:
		items = []strictyaml.Value{v}
	case strictyaml.List:
		items, _ = v.List()
		if len(items) == 0 {
			v.Errorf(strictyaml.CodeValue, "name at least one", "is an empty list")
		}
	default:
		v.WrongType("a pattern or a list of patterns")
	}
	for _, item := range items {
		s, ok := item.String()
		if ok && s == "" {
			item.Errorf(strictyaml.CodeValue, "", "is empty")
		}
		*p = append(*p, s)
	}
}

// JSONSchemaOf describes the type to the schema generator.
func (Patterns) JSONSchemaOf() any {
	one := map[string]any{"type": "string", "minLength": 1}
	return map[string]any{"oneOf": []any{one, map[string]any{"type": "array", "items": one, "minItems": 1}}}
}

// An Alignment is a power of two, in bytes.
type Alignment int64

// MaxAlignment is the largest alignment that a manifest may ask for. It is
// the largest erase unit of any flash chip that is in use, with room to spare.
const MaxAlignment = 16 << 20

// UnmarshalValue implements [strictyaml.Unmarshaler].
func (a *Alignment) UnmarshalValue(v strictyaml.Value) {
	i, ok := v.Int()
	if !ok {
		return
	}
	if i < 1 || i > MaxAlignment || bits.OnesCount64(uint64(i)) != 1 {
		remedy := fmt.Sprintf("write a power of two from 1 to %d", MaxAlignment)
		if i > 1 && i < MaxAlignment {
			up := int64(1) << bits.Len64(uint64(i))
			remedy = fmt.Sprintf("write %d or %d", up/2, up)
		}
		v.Errorf(code.Align, remedy, "an alignment of %d is no power of two", i)
		if i > MaxAlignment {
			return
		}
	}
	*a = Alignment(i)
}

// JSONSchemaOf describes the type to the schema generator.
func (Alignment) JSONSchemaOf() any {
	var all []any
	for a := 1; a <= MaxAlignment; a *= 2 {
		all = append(all, a)
	}
	return map[string]any{"enum": all}
}

// SmallIntBits is the size of a small integer: 15 to 63 bits, between the
// narrowest and the widest machine that MicroPython runs on, or 0 for what the
// board's profile says.
type SmallIntBits int

// UnmarshalValue implements [strictyaml.Unmarshaler].
func (b *SmallIntBits) UnmarshalValue(v strictyaml.Value) {
	if v.Kind() == strictyaml.String && v.Text() == "board" {
		return
	}
	if v.Kind() != strictyaml.Int {
		v.WrongType("a number of bits, or board")
	} else if i, ok := v.Int(); ok {
		if i < 15 || i > 63 {
			v.Errorf(strictyaml.CodeValue, "write a number from 15 to 63, or board", "%d is out of range", i)
			return
		}
		*b = SmallIntBits(i)
	}
}

// JSONSchemaOf describes the type to the schema generator.
func (SmallIntBits) JSONSchemaOf() any {
	return map[string]any{"oneOf": []any{
		map[string]any{"const": "board"},
		map[string]any{"type": "integer", "minimum": 15, "maximum": 63},
	}}
}

// RuleMPY are the settings of one rule. YAML writes it as a mapping, or as
// true or false for Compile alone.
type RuleMPY struct{ MPYSettings }

// UnmarshalValue implements [strictyaml.Unmarshaler].
func (r *RuleMPY) UnmarshalValue(v strictyaml.Value) {
	switch v.Kind() {
	case strictyaml.Bool:
		b, _ := v.Bool()
		r.Compile = &b
	case strictyaml.Map:
		v.Decode(&r.MPYSettings)
	default:
		v.WrongType("a mapping, or true or false")
	}
}

// JSONSchemaOf describes the type to the schema generator.
func (RuleMPY) JSONSchemaOf() any {
	return map[string]any{"oneOf": []any{map[string]any{"type": "boolean"}, MPYSettings{}}}
}

// ReservedKeys names what a rule cannot set.
func (MPYSettings) ReservedKeys() map[string]string {
	return map[string]string{"version": "cannot be set for one rule: an image has one compiler, named by mpy.version at the top"}
}

// UnmarshalValue implements [strictyaml.Unmarshaler]. A pattern alone, which is
// no rule, gets a remedy of its own: many write one first.
func (r *Rule) UnmarshalValue(v strictyaml.Value) {
	if v.Kind() == strictyaml.String {
		v.Errorf(strictyaml.CodeType, "write src: before it", "is a string (%s), and takes a mapping", strictyaml.Quote(v.Text()))
		return
	}
	type mapping Rule // has no such method
	v.Decode((*mapping)(r))
}

// A Limit is a size in bytes, or a percentage of another size.
type Limit struct {
	Bytes   int64 // if Percent is 0
	Percent int   // 1 to 100
}

// Of returns the limit in bytes, where whole is what a percentage refers to:
// at least 1, unless whole is 0, which stands for a size that is not known.
func (l Limit) Of(whole int64) int64 {
	if l.Percent > 0 {
		return max(whole*int64(l.Percent)/100, min(whole, 1)) // 0 is no limit
	}
	return l.Bytes
}

// String returns l as a manifest writes it.
func (l Limit) String() string {
	if l.Percent > 0 {
		return strconv.Itoa(l.Percent) + "%"
	}
	return strictyaml.Size(l.Bytes).String()
}

var percentPattern = lazyregexp.New(`^(100|[1-9][0-9]?) ?%$`)

// UnmarshalValue implements [strictyaml.Unmarshaler].
func (l *Limit) UnmarshalValue(v strictyaml.Value) {
	if v.Kind() == strictyaml.String && strings.HasSuffix(v.Text(), "%") {
		if m := percentPattern().FindStringSubmatch(v.Text()); m != nil {
			l.Percent, _ = strconv.Atoi(m[1])
			return
		}
		v.Errorf(strictyaml.CodeValue, "write a whole number from 1 to 100 before the %", "%s is no percentage", strictyaml.Quote(v.Text()))
		return
	}
	var s strictyaml.Size
	s.UnmarshalValue(v)
	l.Bytes = int64(s)
}

// JSONSchemaOf describes the type to the schema generator.
func (Limit) JSONSchemaOf() any {
	return map[string]any{"oneOf": []any{
		strictyaml.Size(0),
		map[string]any{"type": "string", "pattern": percentPattern().String()},
	}}
}

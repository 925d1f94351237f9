package strictyaml

import (
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A field is a struct field as its tags describe it.
type field struct {
	name  string // YAML key
	index []int
	rules rules
}

// rules are the constraints of a jsonschema tag. The decoder and the schema
// generator read the same tag, so they cannot disagree.
type rules struct {
	required         bool
	enum             []string
	minimum, maximum *int64
	minLength        int
	maxLength        int
	minItems         int
	pattern          *regexp.Regexp
}

// A structType is what the decoder knows of a struct.
type structType struct {
	fields []field
	byName map[string]*field
}

func (t *structType) names() []string {
	out := make([]string, len(t.fields))
	for i, f := range t.fields {
		out[i] = f.name
	}
	slices.Sort(out)
	return out
}

var structTypes sync.Map // reflect.Type -> *structType

// structOf reads the tags of t. A tag that this package does not understand
// is a programming error and panics, so that no constraint is silently void.
func structOf(t reflect.Type) *structType {
	if s, ok := structTypes.Load(t); ok {
		return s.(*structType)
	}
	s := &structType{byName: map[string]*field{}}
	collectFields(t, nil, s)
	for i := range s.fields {
		s.byName[s.fields[i].name] = &s.fields[i]
	}
	got, _ := structTypes.LoadOrStore(t, s)
	return got.(*structType)
}

func collectFields(t reflect.Type, index []int, s *structType) {
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(slices.Clone(index), i)
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case name == "-" || !f.IsExported():
		case f.Anonymous && name == "":
			collectFields(f.Type, at, s)
		case name == "":
			panic("strictyaml: " + t.String() + "." + f.Name + " has no yaml tag")
		default:
			s.fields = append(s.fields, field{name: name, index: at, rules: parseRules(t.String()+"."+f.Name, f.Tag.Get("jsonschema"))})
		}
	}
}

func parseRules(where, tag string) rules {
	var r rules
	if tag == "" {
		return r
	}
	number := func(s string) int64 {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			panic("strictyaml: " + where + ": " + err.Error())
		}
		return n
	}
	for _, part := range strings.Split(tag, ",") {
		key, val, _ := strings.Cut(part, "=")
		switch key {
		case "required":
			r.required = true
		case "enum":
			r.enum = append(r.enum, val)
		case "minimum":
			n := number(val)
			r.minimum = &n
		case "maximum":
			n := number(val)
			r.maximum = &n
		case "minLength":
			r.minLength = int(number(val))
		case "maxLength":
			r.maxLength = int(number(val))
		case "minItems":
			r.minItems = int(number(val))
		case "pattern":
			r.pattern = regexp.MustCompile(val)
		case "default", "example", "title": // documentation only
		default:
			panic("strictyaml: " + where + ": unknown constraint " + key)
		}
	}
	return r
}

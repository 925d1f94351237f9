package strictyaml

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type sample struct {
	Name  string   `yaml:"name" jsonschema:"required,minLength=1,pattern=^[a-z]+$"`
	Mode  string   `yaml:"mode" jsonschema:"enum=fast,enum=small"`
	Level *int     `yaml:"level" jsonschema:"minimum=0,maximum=3"`
	On    bool     `yaml:"on"`
	Base  uint64   `yaml:"base"`
	Size  Size     `yaml:"size"`
	Tags  []string `yaml:"tags" jsonschema:"minItems=1,minLength=1,maxLength=8"`
	Parts []part   `yaml:"parts"`
	Core  *part    `yaml:"core"`
	Inner
}

type Inner struct {
	Kind int `yaml:"kind" jsonschema:"enum=1,enum=2"`
}

type part struct {
	ID   string `yaml:"id" jsonschema:"required"`
	Next *part  `yaml:"next"`
}

func (sample) ReservedKeys() map[string]string {
	return map[string]string{"future": "is reserved for later"}
}

func TestDecode(t *testing.T) {
	const text = `# comment
name: abc
mode: small
level: 0x2
"on": true
base: 0xFFFFFFFFFFFFFFFF
size: 1.5 KiB
tags: [24-01-01, 'yes']
parts:
  - &p {id: one, next: {id: two}}
  - *p
core: *p
kind: 2
`
	two := 2
	one := part{ID: "one", Next: &part{ID: "two"}}
	want := sample{Name: "abc", Mode: "small", Level: &two, On: true, Base: 1<<64 - 1, Size: 1536,
		Tags: []string{"24-01-01", "yes"}, Parts: []part{one, one}, Core: &one, Inner: Inner{2}}
	var got sample
	if err := Decode([]byte(text), "x.yaml", &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestPositions(t *testing.T) {
	d, err := Parse([]byte("\ufeffname: ä\nparts:\n- {id: ö, next: {id: b}}\n"), "x.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var s sample
	_ = d.Decode(&s) // ä does not match the pattern
	for path, want := range map[string]Pos{
		"":                 {1, 1},
		"name":             {1, 7},
		"parts[0].id":      {3, 8},
		"parts[0].next.id": {3, 22}, // characters, not bytes
		"parts[0].gone":    {3, 3},
		"gone":             {1, 1},
	} {
		if got := d.Pos(path); got != want {
			t.Errorf("Pos(%q) = %v, want %v", path, got, want)
		}
	}
	if !d.Has("parts[0].id") || d.Has("parts[1]") {
		t.Error("Has is wrong")
	}
}

// Each text is a golden error, as a user reads it.
func TestErrors(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":           {"", "x.yaml: the file is empty"},
		"only a comment":  {"# nothing\n", "x.yaml: the file is empty"},
		"a list":          {"- a\n", "x.yaml:1:1: is a list, and takes a mapping"},
		"a word":          {"hello", `x.yaml:1:1: is a string ("hello"), and takes a mapping`},
		"null":            {"~\n", "x.yaml:1:1: has no value, and takes a mapping; remove the key, or give it a value"},
		"missing":         {"mode: fast\n", `x.yaml:1:1: the key "name" is missing; add it`},
		"unknown":         {"name: a\nmdoe: fast\n", `x.yaml:2:1: mdoe: unknown key; did you mean "mode"?`},
		"unknown, far":    {"name: a\nzzzzzzz: 1\n", "x.yaml:2:1: zzzzzzz: unknown key; known keys are base, core, kind, level, mode, name, on, parts, size, tags"},
		"reserved":        {"name: a\nfuture: 1\n", "x.yaml:2:1: future: is reserved for later; remove it"},
		"duplicate":       {"name: a\nname: b\n", "x.yaml:2:1: name: the key is given twice, first in line 1; keep one"},
		"merge key":       {"name: a\nparts: [&p {id: a}]\ncore: {<<: *p}\n", "x.yaml:3:7: core: the key \"id\" is missing; add it\nx.yaml:3:8: core: merge keys (<<) are not supported; write the keys out"},
		"number key":      {"name: a\n1: b\n", "x.yaml:2:1: a key is not a string; write a plain name before the colon"},
		"list key":        {"name: a\n? [b]\n: c\n", "x.yaml:2:3: a key is not a string; write a plain name before the colon"},
		"odd key":         {"name: a\n\"b.c\": d\n", `x.yaml:2:1: "b.c": unknown key; known keys are base, core, kind, level, mode, name, on, parts, size, tags`},
		"no value":        {"name:\n", "x.yaml:1:6: name: has no value, and takes a string; remove the key, or give it a value"},
		"number as text":  {"name: 1.30\n", `x.yaml:1:7: name: is a decimal number, and takes a string; write it in quotes: "1.30"`},
		"bool as text":    {"name: true\n", `x.yaml:1:7: name: is a truth value, and takes a string; write it in quotes: "true"`},
		"yes is no bool":  {"name: a\n\"on\": yes\n", `x.yaml:2:7: on: is a string ("yes"), and takes true or false`},
		"list as text":    {"name: [a]\n", "x.yaml:1:7: name: is a list, and takes a string"},
		"text as list":    {"name: a\ntags: b\n", `x.yaml:2:7: tags: is a string ("b"), and takes a list`},
		"text as number":  {"name: a\nlevel: \"1\"\n", `x.yaml:2:8: level: is a string ("1"), and takes a whole number`},
		"decimal":         {"name: a\nlevel: 1.5\n", `x.yaml:2:8: level: is a decimal number ("1.5"), and takes a whole number`},
		"custom tag":      {"name: !secret a\n", "x.yaml:1:7: name: has the tag !secret, and takes a string; remove the tag"},
		"binary":          {"name: !!binary YQ==\n", "x.yaml:1:7: name: has the tag !!binary, and takes a string; remove the tag"},
		"pattern":         {"name: ABC\n", `x.yaml:1:7: name: "ABC" is no legal value; it has to match ^[a-z]+$`},
		"empty string":    {"name: ''\n", "x.yaml:1:7: name: is empty"},
		"enum":            {"name: a\nmode: smal\n", `x.yaml:2:7: mode: "smal" is no legal value; did you mean "small"? Otherwise write one of fast, small`},
		"enum, far":       {"name: a\nmode: qqqq\n", `x.yaml:2:7: mode: "qqqq" is no legal value; write one of fast, small`},
		"number enum":     {"name: a\nkind: 3\n", "x.yaml:2:7: kind: 3 is no legal value; write one of 1, 2"},
		"range":           {"name: a\nlevel: 4\n", "x.yaml:2:8: level: 4 is out of range; write a number from 0 to 3"},
		"negative":        {"name: a\nbase: -1\n", `x.yaml:2:7: base: "-1" is out of range`},
		"huge":            {"name: a\nlevel: 99999999999999999999\n", `x.yaml:2:8: level: is a decimal number ("99999999999999999999"), and takes a whole number`},
		"too few":         {"name: a\ntags: []\n", "x.yaml:2:7: tags: needs at least 1"},
		"empty item":      {"name: a\ntags: [b, '']\n", "x.yaml:2:11: tags[1]: is empty"},
		"long item":       {"name: a\ntags: [123456789a]\n", "x.yaml:2:8: tags[0]: has more than 8 characters"},
		"size unit":       {"name: a\nsize: 1MB\n", `x.yaml:2:7: size: "1MB" is no size; write bytes without quotes, or a number with KiB, MiB or GiB`},
		"size fraction":   {"name: a\nsize: 0.3KiB\n", `x.yaml:2:7: size: "0.3KiB" is no whole number of bytes`},
		"size too large":  {"name: a\nsize: 5GiB\n", `x.yaml:2:7: size: "5GiB" is more than 4 GiB`},
		"size zero":       {"name: a\nsize: 0\n", "x.yaml:2:7: size: 0 is out of range; a size is from 1 byte to 4 GiB"},
		"size type":       {"name: a\nsize: [1]\n", "x.yaml:2:7: size: is a list, and takes a size, such as 24MiB"},
		"in a list":       {"name: a\nparts:\n  - id: a\n    nxt: {}\n", `x.yaml:4:5: parts[0].nxt: unknown key; did you mean "next"?`},
		"several":         {"mode: x\nlevel: 9\n", "x.yaml:1:1: the key \"name\" is missing; add it\nx.yaml:1:7: mode: \"x\" is no legal value; write one of fast, small\nx.yaml:2:8: level: 9 is out of range; write a number from 0 to 3"},
		"two documents":   {"name: a\n---\nname: b\n", "x.yaml:2:1: a second YAML document begins here; keep one document in one file and remove the --- line"},
		"tab":             {"name: a\nparts:\n\t- id: b\n", "x.yaml:3:1: a tab in the indentation; YAML is indented with spaces"},
		"tab in a list":   {"name: a\ntags:\n  - a\n \t- b\n", "x.yaml:4:2: a tab in the indentation; YAML is indented with spaces"},
		"colon":           {"name: a: b\n", "x.yaml:1:8: mapping values are not allowed in this context; a value that contains \": \" needs quotes"},
		"star":            {"name: a\nmode: *.py\n", "x.yaml:2:7: did not find expected alphabetic or numeric character; a value that begins with * or & needs quotes"},
		"unknown alias":   {"name: *x\n", "x.yaml:1:7: unknown anchor 'x' referenced; a value that begins with * needs quotes"},
		"at":              {"name: @x\n", "x.yaml:1:7: found character that cannot start any token; a value that begins with @, ` or % needs quotes"},
		"unclosed":        {"name: a\ntags: [a, b\n", "x.yaml:2:7: did not find expected ',' or ']'; close the list or mapping"},
		"unclosed quote":  {"name: \"abc\nmode: x\n", "x.yaml:1:7: found unexpected end of stream; close the quotes"},
		"not UTF-8":       {"name: a\n# \xe4\n", "x.yaml:2:3: byte 0xe4 is no UTF-8; save the file as UTF-8"},
		"UTF-16":          {"\xff\xfen\x00", "x.yaml:1:1: byte 0xff is no UTF-8; save the file as UTF-8"},
		"NUL":             {"name: a\x00b\n", "x.yaml:1:8: control character U+0000; remove it, or write it as an escape in a double-quoted string"},
		"octal":           {"name: a\nlevel: 010\n", `x.yaml:2:8: level: "010" is written in a way that not everybody reads alike; write it in decimal without leading zeros, or as 0x…`},
		"no octal":        {"name: a\nlevel: 08\n", `x.yaml:2:8: level: "08" is written in a way that not everybody reads alike; write it in decimal without leading zeros, or as 0x…`},
		"no octal size":   {"name: a\nsize: -09\n", `x.yaml:2:7: size: "-09" is written in a way that not everybody reads alike; write it in decimal without leading zeros, or as 0x…`},
		"octal, 1.2":      {"name: a\nbase: 0o10\n", `x.yaml:2:7: base: "0o10" is written in a way that not everybody reads alike; write it in decimal without leading zeros, or as 0x…`},
		"binary number":   {"name: a\nkind: 0b1\n", `x.yaml:2:7: kind: "0b1" is written in a way that not everybody reads alike; write it in decimal without leading zeros, or as 0x…`},
		"underscore":      {"name: a\nsize: 1_6\n", `x.yaml:2:7: size: "1_6" is written in a way that not everybody reads alike; write it in decimal without leading zeros, or as 0x…`},
		"octal size":      {"name: a\nsize: 010KiB\n", `x.yaml:2:7: size: "010KiB" is no size; write bytes without quotes, or a number with KiB, MiB or GiB`},
		"long key":        {"name: a\n? " + strings.Repeat("k", 3<<20) + "\n: b\n", "x.yaml:2:3: \"" + strings.Repeat("k", 40) + "\"…\"" + strings.Repeat("k", 20) + "\" (3145728 bytes): unknown key; known keys are base, core, kind, level, mode, name, on, parts, size, tags"},
		"long value":      {"name: a\nmode: " + strings.Repeat("x", 10000) + "\n", "x.yaml:2:7: mode: \"" + strings.Repeat("x", 40) + "\"…\"" + strings.Repeat("x", 20) + "\" (10000 bytes) is no legal value; write one of fast, small"},
		"self reference":  {"name: a\ncore: &c {id: x, next: *c}\n", "x.yaml:2:15: core" + strings.Repeat(".next", 31) + ".id: values nest deeper than 32"},
		"deep":            {"name: a\ncore: " + strings.Repeat("{id: x, next: ", 40) + "{id: x}" + strings.Repeat("}", 40) + "\n", "x.yaml:2:446: core" + strings.Repeat(".next", 31) + ".id: values nest deeper than 32"},
		"brackets":        {strings.Repeat("[", 20000), "x.yaml:1:10001: exceeded max depth of 10000; is it the right file?"},
		"too many marks":  {strings.Repeat(",", MaxMarks+1), "x.yaml: the file has more than 600000 lines, commas, colons and brackets; is it the right file?"},
		"too many quotes": {strings.Repeat("*", MaxQuotes+1), "x.yaml: the file has more than 1000000 quotes, stars, ampersands and exclamation marks; is it the right file?"},
		"too many bytes":  {strings.Repeat("x", MaxBytes+1), "x.yaml: the file has more than 8 MiB; is it the right file?"},
		"too many errors": {"name: a\n" + strings.Repeat("name: b\n", 150), "…more than 100 errors; the rest was not checked"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s sample
			err := Decode([]byte(c.text), "x.yaml", &s)
			if err == nil {
				t.Fatalf("no error; decoded %+v", s)
			}
			got := err.Error()
			if tail, ok := strings.CutPrefix(c.want, "…"); ok {
				if !strings.HasSuffix(got, tail) {
					t.Errorf("got …%s", got[max(0, len(got)-200):])
				}
			} else if got != c.want {
				t.Errorf("\n got: %s\nwant: %s", got, c.want)
			}
			var one *Error
			if !errors.As(err, &one) || one.Code == "" || one.File != "x.yaml" {
				t.Errorf("errors.As gives %+v", one)
			}
		})
	}
}

// An alias bomb costs no more than the limit of values.
func TestAliasBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("name: a\nparts:\n- &a0 {id: x}\n")
	type bomb struct {
		Name  string    `yaml:"name"`
		Parts []bombOne `yaml:"parts"`
	}
	for i := 1; i <= 9; i++ {
		prev := "*a" + string(rune('0'+i-1))
		b.WriteString("- &a" + string(rune('0'+i)) + " {list: [" + strings.Repeat(prev+", ", 9) + prev + "]}\n")
	}
	var v bomb
	err := Decode([]byte(b.String()), "x.yaml", &v)
	if err == nil || !strings.Contains(err.Error(), "aliases expand to more than 100000 values") {
		t.Fatalf("got %v", err)
	}
}

type bombOne struct {
	ID   string    `yaml:"id"`
	List []bombOne `yaml:"list"`
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]Size{"1": 1, "0x1000": 4096, "24MiB": 24 << 20, "1.5 KiB": 1536, "4GiB": -1, "4095MiB": 4095 << 20, "0": -1, "-1": -1, "1MB": -1, "": -1, "1e3": -1, "99999999999999999999KiB": -1, "0.5B": -1, "010": -1, "0o10": -1, "0b1": -1, "1_6": -1, "01KiB": -1, "0x10": 16} {
		got, err := ParseSize(text)
		if want < 0 && err == nil || want >= 0 && (err != nil || got != want) {
			t.Errorf("ParseSize(%q) = %d, %v", text, got, err)
		}
	}
}

func TestClosest(t *testing.T) {
	words := []string{"dest", "src", "optional", "align"}
	for word, want := range map[string]string{"dst": "dest", "sorce": "", "srcs": "src", "optoinal": "optional", "ALIGN": "align", "x": "", "": "", strings.Repeat("x", 300): ""} {
		if got := Closest(word, words); got != want {
			t.Errorf("Closest(%q) = %q, want %q", word, got, want)
		}
	}
}

// A comparison costs no memory, and ends where it can no longer succeed.
func TestClosestAllocates(t *testing.T) {
	a, b := strings.Repeat("ab", 100), strings.Repeat("ba", 100)
	if n := testing.AllocsPerRun(10, func() { distance(a, b, 60) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	if got := distance("kitten", "sitting", 10); got != 3 {
		t.Errorf("distance = %d, want 3", got)
	}
}

func TestSizeString(t *testing.T) {
	for size, want := range map[Size]string{1: "1", 1023: "1023", 1024: "1KiB", 1536: "1536", 24 << 20: "24MiB", 1<<20 + 1024: "1025KiB", 0: "0"} {
		if got := size.String(); got != want {
			t.Errorf("%d is %s, want %s", int64(size), got, want)
		}
	}
}

// A tag that the decoder does not understand would be a constraint of the
// schema alone.
func TestUnknownConstraintPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	var v struct {
		A string `yaml:"a" jsonschema:"uniqueItems=true"`
	}
	_ = Decode([]byte("a: b\n"), "x.yaml", &v)
}

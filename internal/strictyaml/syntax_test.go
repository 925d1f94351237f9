package strictyaml

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

// Each kind of syntax error has the line, and the column, of the place where
// somebody has to look, in whatever it stands.
func TestSyntaxErrors(t *testing.T) {
	for _, c := range []struct{ text, at, part string }{
		// What people get wrong most often.
		{"files:\n  - src: a.txt\n dest: x\n", "3:2", "did not find expected key; check the indentation"},
		{"a: b\n   c: d\n", "2:5", "mapping values are not allowed"},
		{"a: b # c\n  # d\n e: f\n # g\n", "3:2", "did not find expected key"},
		{"files:\n  - src: a\n    dest: 'it's'\n    x: y\n", "3:15", "did not find expected key"},
		{"name: a: b\n", "1:8", "needs quotes"},
		{"v: 1\nname: a: b\nx: y\n", "2:8", "needs quotes"},
		{"c: d:e: f\n", "1:7", "needs quotes"},
		{"a: \"é: ü\": c\n", "1:10", "needs quotes"},
		{"name: a\nmode: *.py\nx: y\n", "2:7", "needs quotes"},
		{"src: **/*.py\nb: c\n", "1:6", "needs quotes"},
		{"src:\n  - a\n  - *.py\n", "3:5", "needs quotes"},
		{"name: *x\n", "1:7", "unknown anchor 'x' referenced"},
		{"n: &ab 1\nb: [*ab, *abc]\n", "2:10", "unknown anchor 'abc'"},
		{"a: @x\n", "1:4", "begins with @"},
		{"b: c\na: `x\nb: c\n", "2:4", "begins with @"},
		{"a: %x\n", "1:4", "begins with @"},
		{"a:\n\t- b\n", "2:1", "a tab in the indentation"},
		{"a: b\n\tc: d\n", "2:1", "a tab in the indentation"},
		{"a:\n  - a\n \t- b\n", "3:2", "a tab in the indentation"},
		// What is never closed is reported where it was opened.
		{"name: a\ntags: [a, b\n", "2:7", "close the list or mapping"},
		{"name: a\ntags: [a, b\nx: y\nz: q\n", "2:7", "close the list or mapping"},
		{"tags: [a, b\n", "1:7", "close the list or mapping"},
		{"tags: [a, b\nc: d\ne: f\ng: h\n", "1:7", "close the list or mapping"},
		{"a: 1\nb: {c: d\ne: f\n", "2:4", "close the list or mapping"},
		{"a: [\n", "1:4", "close the list or mapping"},
		{"a: b\nc: [x,\n", "2:4", "close the list or mapping"},
		{"k: [a,\n b,\n c]\nx: [d\ny: z\n", "4:4", "close the list or mapping"},
		{"a: {b: [1], c: [2\nd: e\n", "1:4", "close the list or mapping"},
		{"a: [\n \"x\"\n \"y\"\n]\n", "1:4", "close the list or mapping"},
		{"name: \"abc\nmode: x\n", "1:7", "close the quotes"},
		{"a: b\nname: \"abc\nmode: x\n", "2:7", "close the quotes"},
		{"a: 'x y'\nb: 'c\nd: e\nf: g\n", "2:4", "close the quotes"},
		{"a: \"x\n  y\"\nb: \"c\n", "3:4", "close the quotes"},
		// Closed, and never opened.
		{"a: ]\n", "1:4", ""},
		{"a: b\n}\n", "2:1", "did not find expected key"},
		// Lists and mappings in one another.
		{"a: b\n- c\n", "2:1", "did not find expected key"},
		{"- c\na: b\n", "2:1", "keys and items of a list do not mix"},
		{"a: - b\n", "1:4", "a line of its own"},
		{"- - a\n - b\n", "2:2", "keys and items of a list do not mix"},
		{"a: b\nfoo\nc: d\n", "2:1", "a key needs a colon"},
		{"a: b\nfoo\n", "2:1", "a key needs a colon"},
		{"- a\n-b\n- c: d\n", "2:1", "a key needs a colon"},
		// Text behind a value.
		{"a: 'b' c\nd: e\n", "1:8", "the quotes before it"},
		{"a: b\nc: \"d\" e\n", "2:8", "the quotes before it"},
		{"a: [b] c\nd: e\n", "1:8", "did not find expected key"},
		{"a: |\n  x\n y\n", "3:2", "did not find expected key"},
		{"a: |x\n b\n", "1:5", "did not find expected comment or line break"},
		// Documents.
		{"a: b\n...\nc\n", "3:1", "did not find expected <document start>"},
		{"a: b\n--- \nc: d: e\n", "3:5", "needs quotes"},
		{"a: b\n---\nc: d\n", "2:1", "a second YAML document begins here"},
		{"%FOO\n---\na\n", "1:2", "found unknown directive name"},
		{"\ufeffa: b: c\n", "1:5", "needs quotes"},
	} {
		for _, v := range []struct {
			name  string
			lines int // in front
			text  string
		}{
			{"alone", 0, c.text},
			{"without a line end", 0, strings.TrimSuffix(c.text, "\n")},
			{"CRLF", 0, strings.ReplaceAll(c.text, "\n", "\r\n")},
			{"after comments", 40, strings.Repeat("# comment\n\n", 20) + c.text},
			{"after lists", 40, "x1: [a,\n b]\n" + strings.Repeat("# [comment\n", 36) + "x2: \"a\n b\"\n" + c.text},
		} {
			if v.lines > 0 && strings.ContainsAny(c.text[:1], "-%\ufeff") || v.name == "after lists" && strings.HasPrefix(c.text, "- ") {
				continue // only at the start of a file
			}
			err := Decode([]byte(v.text), "x.yaml", &struct{}{})
			var line, column int
			fmt.Sscanf(c.at, "%d:%d", &line, &column)
			want := fmt.Sprintf("x.yaml:%d:%d: ", line+v.lines, column)
			if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), c.part) {
				t.Errorf("%q, %s: got %v, want %s…%s", c.text, v.name, err, want, c.part)
			}
		}
	}
}

// In a file of megabytes there is no time to look for the column, and the line
// is right all the same.
func TestSyntaxErrorInLargeFile(t *testing.T) {
	var b strings.Builder
	b.WriteString("files:\n")
	const n = 30_000
	for i := range n {
		fmt.Fprintf(&b, "  - {src: \"src/p%03d/m%05d.py\", dest: \"p/m%05d.py\"}\n", i/100, i, i)
	}
	for _, tail := range []string{" dest: x\n", "  - src: *.py\n", "  - src: \"a\n", "  - src: [a\n"} {
		err := Decode([]byte(b.String()+tail+"    x: y\n"), "x.yaml", &struct{}{})
		if want := fmt.Sprintf("x.yaml:%d:", n+2); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %.200v, want %s", tail, err, want)
		}
	}
}

// Every line end of Unicode is a limit of a file's lines, or is refused with its
// place: to the parser each of them begins a line, which costs memory.
func TestLineEnds(t *testing.T) {
	for name, c := range map[string]struct{ end, want string }{
		"LF":   {"\n", "x.yaml: the file has more than 600000 lines, commas, colons and brackets; is it the right file?"},
		"CRLF": {"\r\n", "x.yaml: the file has more than 600000 lines, commas, colons and brackets; is it the right file?"},
		"CR":   {"\r", "x.yaml:1:2: a carriage return without a line feed; save the file with the line ends of Unix or Windows"},
		"NEL":  {"\u0085", "x.yaml:1:2: the line separator U+0085; write a plain line end, or an escape in a double-quoted string"},
		"LS":   {"\u2028", "x.yaml:1:2: the line separator U+2028; write a plain line end, or an escape in a double-quoted string"},
		"PS":   {"\u2029", "x.yaml:1:2: the line separator U+2029; write a plain line end, or an escape in a double-quoted string"},
	} {
		text := []byte(strings.Repeat("-"+c.end, MaxBytes/(1+len(c.end))))
		if err := Decode(text, "x.yaml", &struct{}{}); err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v", name, err)
		}
	}
	// As escapes they are text like any other.
	var v struct {
		Name string `yaml:"name"`
	}
	if err := Decode([]byte(`name: "a\u2028b\Nc\rd"`), "x.yaml", &v); err != nil || v.Name != "a\u2028b\u0085c\rd" {
		t.Errorf("%q, %v", v.Name, err)
	}
}

// What ends the library ends no program.
func TestLibraryPanics(t *testing.T) {
	n, err := loadOne(yaml.NewDecoder(panicking{}), &counter{read: 7})
	var parse *parseError
	if n != nil || !errors.As(err, &parse) || parse.read != 7 || parse.message != "the file cannot be parsed: out of order" {
		t.Errorf("%v, %v", n, err)
	}
	n, err = loadOne(yaml.NewDecoder(failing{}), &counter{})
	if n != nil || !errors.As(err, &parse) || !strings.Contains(parse.message, "unplugged") {
		t.Errorf("%v, %v", n, err)
	}
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("out of order") }

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("unplugged") }

var _ io.Reader = failing{}

// Texts that cost more than their size: none takes long, whatever it says.
func TestHostileTexts(t *testing.T) {
	for name, text := range map[string]string{
		"items in one line": strings.Repeat("- ", 4<<20),
		"keys in one line":  strings.Repeat("? ", 4<<20),
		"brackets":          strings.Repeat("[", 9_000),
		"braces":            strings.Repeat("{a: ", 9_000),
		"quotes":            "a: " + strings.Repeat("'", 900_000),
		"unclosed quotes":   strings.Repeat("a: \"b\n", 200_000),
		"unclosed list":     "a: [" + strings.Repeat("b,\n", 290_000),
		"bad indentation":   strings.Repeat("a:\n", 100_000) + " b: c\n d",
		"one long line":     "a: " + strings.Repeat("x", 8<<20-10) + ": b",
		"long key":          strings.Repeat("k", 3<<20) + ": b",
		"tabs":              "a:\n" + strings.Repeat("\t", 4<<20),
	} {
		begin := time.Now()
		err := Decode([]byte(text), "x.yaml", &struct{}{})
		if err == nil {
			t.Errorf("%s: no error", name)
		} else if len(err.Error()) > 1000*MaxErrors {
			t.Errorf("%s: a message of %d bytes", name, len(err.Error()))
		}
		t.Logf("%s: %v, %.150v", name, time.Since(begin), err)
	}
}

package pattern

import (
	"regexp"
	"strings"
	"testing"

	"github.com/bmatcuk/doublestar/v4"
	"pgregory.net/rapid"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern  string
		yes, not []string
	}{
		{"src/**/*.py", []string{"src/a.py", "src/b/a.py", "src/b/c/a.py"}, []string{"a.py", "src/a.pyc", "src/.b/a.py", "src/.a.py", "xsrc/a.py"}},
		{"**", []string{"a", "a/b/c"}, []string{".a", "a/.b", ".a/b"}},
		{"src/**", []string{"src/a", "src/a/b"}, []string{"src", "src/.a"}},
		{"**/a/**/b", []string{"a/b", "x/a/b", "a/x/b", "a/a/b/b", "x/a/y/z/b"}, []string{"b", "a", "x/b"}},
		{"*.py", []string{"a.py"}, []string{"a/b.py", ".py", ".a.py"}},
		{".*", []string{".a", ".a.py"}, []string{"a", ".a/b"}},
		{".*/**/.*", []string{".a/.b", ".a/b/.c"}, []string{".a/b", ".a/.b/.c"}},
		{`\.a`, []string{".a"}, []string{"a"}},
		{"[.]a", nil, []string{".a"}},
		{"?a", []string{"xa", "éa"}, []string{".a", "a"}},
		{"a?c", []string{"abc"}, []string{"a/c", "ac"}},
		{"{a,b/c}/*.{py,txt}", []string{"a/x.py", "b/c/x.txt"}, []string{"b/x.py", "a/x.md"}},
		{"{src/**,lib}/x", []string{"src/x", "src/a/b/x", "lib/x"}, []string{"lib/a/x"}},
		{"{a,{b,c}}/d", []string{"a/d", "b/d", "c/d"}, []string{"{b/d"}},
		{`a\{b,c\}`, []string{"a{b,c}"}, []string{"ab"}},
		{"[a-c]x", []string{"ax", "cx"}, []string{"dx"}},
		{"[!a]x", []string{"bx"}, []string{"ax"}},
		{"[{]x", []string{"{x"}, []string{"x"}},
		{`\*`, []string{"*"}, []string{"a"}},
		{"./a/./b", []string{"a/b"}, []string{"./a/b"}},
		{"a**b", []string{"ab", "axxb"}, []string{"a/b"}},
		{"a***/b", []string{"a/b", "axx/b"}, []string{"b"}},
		{"***", []string{"a"}, []string{"a/b"}},
		{`\***[**]`, []string{"*x*", "**"}, []string{"a*"}},
		{strings.Repeat("**/", 30) + "x", []string{"x", strings.Repeat("a/", 100) + "x"}, []string{strings.Repeat("a/", 100) + "y"}},
		{strings.Repeat("*/", 60) + "x", []string{strings.Repeat("a/", 60) + "x"}, []string{"x"}},
		{strings.Repeat("a/", 60) + "**", []string{strings.Repeat("a/", 60) + "x", strings.Repeat("a/", 99) + "x"}, []string{strings.Repeat("a/", 59) + "x"}},
	} {
		g, err := Compile(c.pattern, Sources)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		for _, name := range c.yes {
			if !g.Match(name) {
				t.Errorf("%s does not match %s", c.pattern, name)
			}
		}
		for _, name := range c.not {
			if g.Match(name) {
				t.Errorf("%s matches %s", c.pattern, name)
			}
		}
	}
}

// For destinations a name with a dot is like any other, the root's slash may be
// written, and a board's rules do not care about case.
func TestMatchDestinations(t *testing.T) {
	for _, c := range []struct {
		pattern  string
		what     For
		yes, not []string
	}{
		{"**/*.tflite", Destinations, []string{"a.tflite", ".models/a.tflite", "x/.b.tflite", ".a/.b/.tflite"}, []string{"a.TFLITE", "a.tflit"}},
		{"**", Destinations, []string{".a", "a/.b", ".a/b"}, nil},
		{"lib/**", Destinations, []string{"lib/.x", "lib/.a/b"}, []string{"lib", ".lib/a"}},
		{"/*.py", Destinations, []string{"a.py", ".py"}, []string{"a/b.py"}},
		{"[.a]b", Destinations, []string{".b", "ab"}, nil},
		{"?odels/*", Destinations, []string{".odels/x", "models/.x"}, nil},
		{"**/*.TFlite", Board, []string{"a.tflite", "MODELS/A.TFLITE", ".x/.Y.tfLITE"}, []string{"a.txt"}},
		{"/[A-C]x", Board, []string{"ax", "CX"}, []string{"dx"}},
		{"É*", Board, []string{"éa", "ÉA"}, []string{"e"}},
	} {
		p, err := Compile(c.pattern, c.what)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		for _, name := range c.yes {
			if !p.Match(name) {
				t.Errorf("%s does not match %s", c.pattern, name)
			}
		}
		for _, name := range c.not {
			if p.Match(name) {
				t.Errorf("%s matches %s", c.pattern, name)
			}
		}
	}
}

func TestFixed(t *testing.T) {
	for _, c := range []struct {
		pattern, fixed string
		literal        bool
	}{
		{"a/b.py", "a/b.py", true},
		{`a/b\*.py`, "a/b*.py", true},
		{"a/b/*.py", "a/b", false},
		{"*.py", "", false},
		{"a/{b,c}/d", "a", false},
		{"a/{b/c,b/d}", "a/b", false},
		{"a/**", "a", false},
	} {
		g, err := Compile(c.pattern, Sources)
		if err != nil || g.fixed != c.fixed || g.literal != c.literal {
			t.Errorf("%s: fixed %q, literal %v, %v", c.pattern, g.fixed, g.literal, err)
		}
	}
}

// Here, braces are written out before ** is looked for; doublestar does it the
// other way round. It also has three stars at the end of a segment wrong.
var starsAtBraces = regexp.MustCompile(`[{},]\*|\*[{},]|\*\*\*`)

// Without dot names, a pattern means what it means to doublestar; only
// "dir/**" does not match dir itself, since patterns are for files.
func TestAgreesWithDoublestar(t *testing.T) {
	segment := rapid.StringOfN(rapid.SampledFrom([]rune("abé*?[]-!^{},\\")), 1, 5, -1)
	part := rapid.OneOf(segment, rapid.SampledFrom([]string{"a", "b", "ab", "*", "**", "a*", "*b", "{a,b}", "{a,b/a}", "[ab]", "[^a]"}))
	name := rapid.SliceOfN(rapid.StringOfN(rapid.SampledFrom([]rune("abé*{,")), 1, 3, -1), 1, 5)
	matched := 0
	check := func(t *rapid.T) {
		pattern := strings.Join(rapid.SliceOfN(part, 1, 4).Draw(t, "pattern"), "/")
		g, err := Compile(pattern, Sources)
		if err != nil || starsAtBraces.MatchString(pattern) {
			return
		}
		for range 8 {
			path := strings.Join(name.Draw(t, "name"), "/")
			want := doublestar.MatchUnvalidated(pattern, path)
			if want && strings.HasSuffix("/"+pattern, "/**") && !doublestar.MatchUnvalidated(strings.TrimSuffix(pattern, "**")+"*", path) && !doublestar.MatchUnvalidated(pattern+"/*", path) {
				want = false // the zero directories of a ** at the end
			}
			if got := g.Match(path); got != want {
				t.Fatalf("%s and %s: %v, doublestar has %v", pattern, path, got, want)
			}
			if want {
				matched++
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		for range 20 {
			check(t)
		}
	})
	if matched < 100 {
		t.Errorf("only %d matches", matched)
	}
}

// An escaped name is the literal pattern of that name.
func TestEscape(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a*?\[\]{},\\!^.\- é]{1,8}`).Draw(t, "name")
		if name == "." || name == ".." {
			return
		}
		g, err := Compile(Escape(name), Sources)
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if !g.literal || g.fixed != name {
			t.Fatalf("%q becomes %q", name, g.fixed)
		}
	})
}

package placeholder

import (
	"slices"
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	for _, tc := range []struct{ text, want, names string }{
		{"", "", ""},
		{"--fast", "--fast", ""},
		{"{in}", "<in>", "in"},
		{"{stem}.bin", "<stem>.bin", "stem"},
		{"a{in}b{inputs[0]}c", "a<in>b<inputs[0]>c", "in inputs[0]"},
		{"{{in}}", "{in}", ""},
		{"{{{in}}}", "{<in>}", "in"},
		{"{}", "<>", ""},
		{"ä{in}ö", "ä<in>ö", "in"},
	} {
		p, err := Parse(tc.text)
		if err != nil {
			t.Errorf("%q: %v", tc.text, err)
			continue
		}
		if got := p.Expand(func(name string) string { return "<" + name + ">" }); got != tc.want {
			t.Errorf("%q became %q, want %q", tc.text, got, tc.want)
		}
		if got := strings.Join(p.Names(), " "); got != tc.names {
			t.Errorf("%q has the names %q, want %q", tc.text, got, tc.names)
		}
	}
	for _, text := range []string{"{", "}", "a{b", "a}b", "{in", "{in{", "{in}}", "{{in}"} {
		if p, err := Parse(text); err == nil {
			t.Errorf("%q is accepted, as %v", text, p.Names())
		} else if !slices.ContainsFunc([]string{"{{", "}}"}, func(s string) bool { return strings.Contains(err.Error(), s) }) {
			t.Errorf("%q: no remedy in %q", text, err)
		}
	}
}

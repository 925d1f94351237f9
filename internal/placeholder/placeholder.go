// Package placeholder expands the names in braces in a manifest's command
// lines: "{stem}.bin". Two braces of a kind stand for one.
package placeholder

import (
	"fmt"
	"strings"
)

// A Template is a text with placeholders.
type Template []part

// A part is literal text, or a name to be replaced.
type part struct {
	text string
	name bool
}

// Parse reads a template. Whether its names mean something is for the caller
// to ask; see [Template.Names].
func Parse(text string) (Template, error) {
	var t Template
	var literal strings.Builder
	flush := func() {
		if literal.Len() > 0 {
			t = append(t, part{text: literal.String()})
			literal.Reset()
		}
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c != '{' && c != '}':
			literal.WriteByte(c)
		case i+1 < len(text) && text[i+1] == c:
			literal.WriteByte(c)
			i++
		case c == '}':
			return nil, fmt.Errorf("a } without its {; write }} for the character")
		default:
			end := strings.IndexAny(text[i+1:], "{}")
			if end < 0 || text[i+1+end] != '}' {
				return nil, fmt.Errorf("a { without its }; write {{ for the character")
			}
			flush()
			t = append(t, part{text[i+1 : i+1+end], true})
			i += end + 1
		}
	}
	flush()
	return t, nil
}

// Names returns the names between braces, in order and as often as they occur.
func (t Template) Names() []string {
	var names []string
	for _, p := range t {
		if p.name {
			names = append(names, p.text)
		}
	}
	return names
}

// Expand replaces each name by what value returns for it.
func (t Template) Expand(value func(name string) string) string {
	var b strings.Builder
	for _, p := range t {
		if p.name {
			b.WriteString(value(p.text))
		} else {
			b.WriteString(p.text)
		}
	}
	return b.String()
}

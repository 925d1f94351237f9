// Package pyshrink makes a Python program short: what it says stays, how it is
// written goes. Programs for boards are kept readable and are sent like this.
//
// It knows the Python that such programs are written in: no strings over several
// lines, no keyword arguments, no nested functions, no name of a built-in bound
// anew at module level. Names with a leading underscore, attributes, and what an
// import binds keep their names.
package pyshrink

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Names are the short names of what programs bind at module level, by the names
// that they are written with.
type Names map[string]string

// NamesOf gives the names that any of the programs binds at module level short
// ones, the most frequent the shortest. Programs that share a namespace must be
// shrunk with the same names.
func NamesOf(programs ...string) Names {
	bound, fixed, uses := map[string]bool{}, map[string]bool{}, map[string]int{}
	for _, program := range programs {
		lines := parse(program)
		module := scopesOf(lines)[0]
		for name := range module.bound {
			bound[name] = true
		}
		for name := range module.fixed {
			fixed[name] = true
		}
		for _, l := range lines {
			for _, t := range l.tokens {
				uses[t.text]++
			}
		}
	}
	maps.DeleteFunc(bound, func(name string, _ bool) bool { return fixed[name] || keeps(name) })
	order := slices.SortedFunc(maps.Keys(bound), func(a, b string) int {
		return cmp.Or(cmp.Compare(uses[b], uses[a]), cmp.Compare(a, b))
	})
	names := Names{}
	for i, name := range order {
		names[name] = short('A', i)
	}
	return names
}

// keeps tells whether a name stays as it is.
func keeps(name string) bool { return strings.HasPrefix(name, "_") }

// short returns the ith short name of those that begin with the letter a or later
// ones: A for modules, a for functions. None is a keyword.
func short(a byte, i int) string {
	letter := string(rune(int(a) + i%26))
	if i < 26 {
		return letter
	}
	return letter + short('A', i/26-1)
}

// Shrink returns the program without comments, empty lines and needless blanks, with
// short names and few lines.
func (names Names) Shrink(program string) string {
	lines := parse(program)
	scopes := scopesOf(lines)
	for i, s := range scopes[1:] {
		scopes[i+1].names = s.shorten()
	}
	for i, l := range lines {
		var b strings.Builder
		for j, t := range l.tokens {
			text := t.text
			if t.kind == word && !t.attribute {
				text = cmp.Or(l.scope.names[text], names.of(l.scope, text), text)
			}
			if j > 0 && l.tokens[j-1].touches(t) {
				b.WriteByte(' ')
			}
			b.WriteString(text)
		}
		lines[i].text = b.String()
	}
	return join(lines)
}

// of returns the short name that a module-level name has where it is used in s.
func (names Names) of(s *scope, name string) string {
	if s.class && s.bound[name] {
		return ""
	}
	return names[name]
}

// shorten gives the names that a function binds short ones.
func (s *scope) shorten() Names {
	names := Names{}
	if s.class {
		return names
	}
	for _, name := range s.order {
		if !s.global[name] && !keeps(name) {
			names[name] = short('a', len(names))
		}
	}
	return names
}

// join writes logical lines: simple statements of one block in one line, and behind
// the colon where they are all of the block. Statements of the module keep a line
// each, so that the program can be cut between them.
func join(lines []line) string {
	var b strings.Builder
	for i := 0; i < len(lines); i++ {
		l := lines[i]
		b.WriteString(strings.Repeat(" ", l.depth))
		b.WriteString(l.text)
		if l.opens {
			n := simple(lines[i+1:], l.depth+1)
			if end := i + 1 + n; n > 0 && (end == len(lines) || lines[end].depth <= l.depth) {
				for _, body := range lines[i+1 : end] {
					b.WriteString(body.text)
					b.WriteByte(';')
				}
				i = end - 1
			}
		} else if l.depth > 0 && !l.compound() {
			for i+1 < len(lines) && lines[i+1].depth == l.depth && !lines[i+1].compound() {
				i++
				b.WriteByte(';')
				b.WriteString(lines[i].text)
			}
		}
		out := strings.TrimSuffix(b.String(), ";")
		b.Reset()
		b.WriteString(out)
		b.WriteByte('\n')
	}
	return b.String()
}

// simple returns how many of the first lines are simple statements at depth.
func simple(lines []line, depth int) int {
	n := 0
	for n < len(lines) && lines[n].depth == depth && !lines[n].compound() {
		n++
	}
	return n
}

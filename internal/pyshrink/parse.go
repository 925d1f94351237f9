package pyshrink

import "strings"

// Kinds of token.
type kind int

const (
	word kind = iota // a name or a keyword
	number
	text
	sign
	blank // or a comment; no token
)

type token struct {
	kind      kind
	text      string
	attribute bool // a name behind a dot
}

// touches tells whether a blank must stay between t and next.
func (t token) touches(next token) bool { return t.kind != sign && next.kind != sign }

func (t token) is(s string) bool { return t.kind == sign && t.text == s }

// assigns tells whether t assigns: =, or += and the like.
func (t token) assigns() bool {
	switch t.text {
	case "==", "!=", "<=", ">=":
		return false
	}
	return t.kind == sign && strings.HasSuffix(t.text, "=")
}

// A line is a logical line: one statement, or what begins a block.
type line struct {
	depth  int // of blocks
	tokens []token
	opens  bool // ends in a colon
	scope  *scope
	text   string // as it is sent
}

// compound tells whether a line is more than a simple statement.
func (l *line) compound() bool {
	switch l.tokens[0].text {
	case "if", "elif", "else", "for", "while", "try", "except", "finally", "with", "def", "class", "@":
		return true
	}
	return false
}

// next returns the kind of the token that s begins with, and its length.
func next(s string) (kind, int) {
	if prefix := run(s, "bru"); prefix < len(s) && (s[prefix] == '"' || s[prefix] == '\'') {
		return text, prefix + quoted(s[prefix:])
	}
	switch c := s[0]; {
	case c == '#':
		return blank, len(s)
	case strings.IndexByte(blanks, c) >= 0:
		return blank, run(s, blanks)
	case strings.IndexByte(digits, c) >= 0:
		return number, run(s, digits+letters)
	case strings.IndexByte(letters, c) >= 0:
		return word, run(s, digits+letters)
	case len(s) > 1 && (s[1] == '=' && strings.IndexByte("-+*/%<>=!&|^", c) >= 0 || s[1] == c && strings.IndexByte("/*<>", c) >= 0):
		return sign, 2
	}
	return sign, 1
}

const (
	blanks  = " \t"
	digits  = "0123456789"
	letters = "_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// run returns how many bytes of set s begins with.
func run(s, set string) int { return len(s) - len(strings.TrimLeft(s, set)) }

// quoted returns the length of the string that s begins with.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return i + 1
		}
	}
	return len(s)
}

// parse returns the logical lines of a program.
func parse(program string) []line {
	var lines []line
	brackets := 0
	for physical := range strings.Lines(program) {
		rest := strings.TrimRight(physical, "\r\n")
		indent := len(rest) - len(strings.TrimLeft(rest, " "))
		if brackets == 0 {
			lines = append(lines, line{depth: indent / 4})
		}
		l := &lines[len(lines)-1]
		for rest != "" {
			kind, n := next(rest)
			t := token{kind, rest[:n], false}
			rest = rest[n:]
			switch {
			case kind == blank:
				continue
			case kind == word:
				t.attribute = len(l.tokens) > 0 && l.tokens[len(l.tokens)-1].is(".")
			case kind == sign && strings.Contains("([{", t.text):
				brackets++
			case kind == sign && strings.Contains(")]}", t.text):
				brackets--
			}
			l.tokens = append(l.tokens, t)
		}
		if len(l.tokens) == 0 {
			lines = lines[:len(lines)-1]
			continue
		}
		l.opens = l.tokens[len(l.tokens)-1].is(":")
	}
	return lines
}

// A scope is a module, a class or a function.
type scope struct {
	depth  int // of the line that opens it; -1: the module
	class  bool
	order  []string        // names that it binds, as they come
	bound  map[string]bool // the same
	global map[string]bool // names of the module's that it assigns to
	fixed  map[string]bool // names that an import binds
	names  Names
}

func newScope(depth int) *scope {
	return &scope{depth: depth, bound: map[string]bool{}, global: map[string]bool{}, fixed: map[string]bool{}}
}

func (s *scope) bind(name string) {
	if !s.bound[name] {
		s.bound[name] = true
		s.order = append(s.order, name)
	}
}

// scopesOf finds the scope of each line and what it binds. The first is the
// module's.
func scopesOf(lines []line) []*scope {
	all := []*scope{newScope(-1)}
	stack := all[:1:1]
	for i := range lines {
		l := &lines[i]
		for stack[len(stack)-1].depth >= l.depth {
			stack = stack[:len(stack)-1]
		}
		l.scope = stack[len(stack)-1]
		first := l.tokens[0].text
		if first != "def" && first != "class" {
			l.scope.bindings(l.tokens)
			continue
		}
		l.scope.bind(l.tokens[1].text)
		inner := newScope(l.depth)
		inner.class = first == "class"
		if first == "def" {
			// Of this line only the function's own name is the outer scope's.
			inner.parameters(l.tokens[2:])
			l.tokens[1].attribute = l.scope.class
			l.scope = inner
		}
		stack, all = append(stack, inner), append(all, inner)
	}
	return all
}

func (s *scope) parameters(tokens []token) {
	for i, t := range tokens {
		if t.kind == word && (tokens[i-1].is("(") || tokens[i-1].is(",") || tokens[i-1].is("*")) {
			s.bind(t.text)
		}
	}
}

// bindings binds what a statement binds.
func (s *scope) bindings(tokens []token) {
	switch tokens[0].text {
	case "global":
		for _, t := range tokens[1:] {
			s.global[t.text] = true
		}
		return
	case "import", "from":
		for _, t := range tokens[1:] {
			s.bind(t.text)
			s.fixed[t.text] = true
		}
		return
	}
	depth, assigned := 0, lastAssignment(tokens)
	targets := false // of a for
	for i, t := range tokens {
		switch {
		case t.is("(") || t.is("[") || t.is("{"):
			depth++
		case t.is(")") || t.is("]") || t.is("}"):
			depth--
		case t.kind != word || t.attribute:
		case t.text == "for":
			targets = true
		case t.text == "in":
			targets = false
		case targets, i > 0 && tokens[i-1].text == "as":
			s.bind(t.text)
		case i < assigned && depth == 0 && ends(tokens[i+1]):
			s.bind(t.text)
		}
	}
}

// ends tells whether a name before t is a target, if the statement assigns.
func ends(t token) bool {
	return t.is(",") || t.assigns()
}

// lastAssignment returns the index of the last sign outside of brackets that assigns; 0 if there
// is none.
func lastAssignment(tokens []token) int {
	depth, last := 0, 0
	for i, t := range tokens {
		switch {
		case t.is("(") || t.is("[") || t.is("{"):
			depth++
		case t.is(")") || t.is("]") || t.is("}"):
			depth--
		case depth == 0 && t.assigns():
			last = i
		}
	}
	return last
}

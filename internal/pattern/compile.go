package pattern

import (
	"fmt"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"rules_romfs/internal/strictyaml"
)

// Limits of a pattern. Real ones are far below; without limits a pattern of
// a few hundred bytes could stand for millions.
const (
	MaxBytes        = 32 << 10
	MaxAlternatives = 256
	MaxSegments     = 62 // so that a set of them, and one more, fits a word
)

// Codes of what is wrong with a pattern, besides strictyaml's.
const (
	CodePattern = "pattern" // a pattern that cannot be understood
	CodeEscape  = "escape"  // a path that leaves root
	CodeName    = "name"    // a name that ROMFS or its driver cannot look up, or a path that only Windows does
)

// An Error says why a text is no pattern, and what to write.
type Error struct{ Code, Message, Remedy string }

func (e *Error) Error() string { return e.Message }

// Compile reads a pattern that is relative to the root of what it is for. Its
// error is an [*Error].
func Compile(text string, what For) (*Pattern, error) {
	p := &Pattern{text: text, lower: what == Board}
	rest := text
	if what != Sources {
		rest = strings.TrimPrefix(rest, "/")
	}
	if err := checkText(rest); err != nil {
		return nil, err
	}
	if p.lower {
		rest = strings.ToLower(rest)
	}
	expanded, ok := expandBraces(rest, MaxAlternatives)
	if !ok {
		return nil, &Error{strictyaml.CodeLimit, fmt.Sprintf("%s stands for more than %d patterns", strictyaml.Quote(text), MaxAlternatives), "write several patterns"}
	}
	for _, alt := range expanded {
		segs, err := compileSegments(text, alt, what != Sources)
		if err != nil {
			return nil, err
		}
		p.alts = append(p.alts, segs)
	}
	fixed := fixedPart(p.alts[0])
	for _, alt := range p.alts[1:] {
		fixed = commonPrefix(fixed, fixedPart(alt))
	}
	p.literal = len(p.alts) == 1 && len(fixed) == len(p.alts[0])
	p.fixed = strings.Join(fixed, "/")
	return p, nil
}

// checkText finds what is wrong with a pattern as a whole.
func checkText(text string) error {
	q := strictyaml.Quote(text)
	switch {
	case text == "":
		return &Error{strictyaml.CodeValue, "is empty", ""}
	case len(text) > MaxBytes:
		return &Error{strictyaml.CodeLimit, fmt.Sprintf("%s has more than %d bytes", q, MaxBytes), ""}
	case strings.ContainsRune(text, 0):
		return &Error{CodeName, fmt.Sprintf("%s holds a NUL character", q), "no file can have that name"}
	case strings.HasPrefix(text, "/") || hasDrive(text):
		return &Error{CodeEscape, fmt.Sprintf("%s is an absolute path", q), "write it relative to root"}
	case strings.HasSuffix(text, "/"):
		return &Error{CodePattern, fmt.Sprintf("%s names a directory, and patterns match files", q), fmt.Sprintf("write %q", text+"**")}
	case strings.HasPrefix(text, "!"):
		return &Error{CodePattern, fmt.Sprintf("%s begins with an exclamation mark, and patterns are not negated", q), "put it under exclude, or write \\! for a name"}
	case badEscape(text):
		return &Error{CodePattern, fmt.Sprintf("%s has a backslash before an ordinary character", q), "separate directories with slashes; a backslash makes a wildcard literal"}
	case !doublestar.ValidatePattern(text):
		return &Error{CodePattern, fmt.Sprintf("%s is no pattern", q), "close every [ and {, and write \\ before a wildcard that is meant literally"}
	}
	return nil
}

// badEscape reports whether a backslash stands before a character that has
// no need of one, which is a path in the manner of Windows.
func badEscape(text string) bool {
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' {
			if i++; i < len(text) && !strings.ContainsRune(`*?[]{},\!-^.`, rune(text[i])) {
				return true
			}
		}
	}
	return false
}

// compileSegments reads one alternative of the pattern text; dots says that
// names with a dot are ordinary.
func compileSegments(text, alt string, dots bool) ([]segment, error) {
	var out []segment
	for part := range strings.SplitSeq(alt, "/") {
		switch part {
		case "..":
			return nil, &Error{CodeEscape, fmt.Sprintf("%s leaves root through \"..\"", strictyaml.Quote(text)), "set root to a directory that holds all sources"}
		case "":
			return nil, &Error{CodePattern, fmt.Sprintf("%s has an empty path segment", strictyaml.Quote(text)), "write single slashes"}
		case ".":
			continue
		case "**":
			out = append(out, segment{any: true, dot: dots})
			continue
		}
		if !doublestar.ValidatePattern(part) {
			return nil, &Error{CodePattern, fmt.Sprintf("%s has brackets around a slash", strictyaml.Quote(text)), "close every [ in its path segment"}
		}
		part = collapseStars(part)
		s := segment{pattern: part, dot: dots || strings.HasPrefix(part, ".") || strings.HasPrefix(part, `\.`)}
		if lit, ok := unescape(part); ok {
			s.literal = lit
			if lit == ".." || lit == "." {
				return nil, &Error{CodeEscape, fmt.Sprintf("%s has the segment %q", strictyaml.Quote(text), lit), ""}
			}
		} else {
			s.wild = true
			if pre, suf, one := strings.Cut(part, "*"); one && !strings.ContainsAny(pre+suf, `*?[\{`) {
				s.simple, s.prefix, s.suffix = true, pre, suf
			}
		}
		out = append(out, s)
	}
	if len(out) == 0 {
		return nil, &Error{CodePattern, fmt.Sprintf("%s names a directory, and patterns match files", strictyaml.Quote(text)), `write "**"`}
	}
	if len(out) >= MaxSegments {
		return nil, &Error{strictyaml.CodeLimit, fmt.Sprintf("%s has more than %d path segments", strictyaml.Quote(text), MaxSegments), ""}
	}
	if out[len(out)-1].any { // files only: ** at the end needs a file below it
		out = append(out, segment{wild: true, simple: true, dot: dots})
	}
	return out, nil
}

// collapseStars writes several stars in a row as one, which they mean within
// a segment; doublestar takes exception to three at the end.
func collapseStars(part string) string {
	if !strings.Contains(part, "**") {
		return part
	}
	var b strings.Builder
	for i := 0; i < len(part); i++ {
		b.WriteByte(part[i])
		switch part[i] {
		case '\\':
			if i++; i < len(part) {
				b.WriteByte(part[i])
			}
		case '[':
			if end := indexUnescaped(part, i+1, ']'); end > 0 {
				b.WriteString(part[i+1 : end+1])
				i = end
			}
		case '*':
			for i+1 < len(part) && part[i+1] == '*' {
				i++
			}
		}
	}
	return b.String()
}

// unescape returns part without its backslashes, or false if it has a
// wildcard.
func unescape(part string) (string, bool) {
	if !strings.ContainsAny(part, `*?[{\`) {
		return part, true
	}
	var b strings.Builder
	for i := 0; i < len(part); i++ {
		switch part[i] {
		case '*', '?', '[', '{':
			return "", false
		case '\\':
			if i++; i == len(part) {
				return "", false
			}
		}
		b.WriteByte(part[i])
	}
	return b.String(), true
}

// expandBraces writes {a,b} out as several patterns, since an alternative may
// hold slashes. It reports false if there are more than limit.
func expandBraces(p string, limit int) ([]string, bool) {
	open := indexUnescaped(p, 0, '{')
	if open < 0 {
		return []string{p}, true
	}
	parts, rest, ok := splitBraces(p[open:])
	if !ok {
		return []string{p}, true // unclosed: ValidatePattern has refused it
	}
	var out []string
	for _, part := range parts {
		more, ok := expandBraces(p[:open]+part+rest, limit-len(out))
		if !ok || len(out)+len(more) > limit {
			return nil, false
		}
		out = append(out, more...)
	}
	return out, true
}

// splitBraces returns the alternatives of the braces that p begins with, and
// what follows them; false if they are not closed. Braces inside are left alone.
func splitBraces(p string) (parts []string, rest string, ok bool) {
	depth, start := 0, 1
	for i := 0; i < len(p); i++ {
		switch p[i] {
		case '\\':
			i++
		case '[':
			if end := indexUnescaped(p, i+1, ']'); end > 0 {
				i = end
			}
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return append(parts, p[start:i]), p[i+1:], true
			}
		case ',':
			if depth == 1 {
				parts = append(parts, p[start:i])
				start = i + 1
			}
		}
	}
	return nil, "", false
}

// indexUnescaped finds c in p from i on, outside of escapes and, unless it is
// the end of one, outside of character classes.
func indexUnescaped(p string, i int, c byte) int {
	for ; i < len(p); i++ {
		switch {
		case p[i] == '\\':
			i++
		case p[i] == c:
			return i
		case p[i] == '[' && c != ']':
			if end := indexUnescaped(p, i+1, ']'); end > 0 {
				i = end
			}
		}
	}
	return -1
}

// fixedPart returns the segments before the first wildcard.
func fixedPart(segs []segment) []string {
	var out []string
	for _, s := range segs {
		if s.any || s.wild {
			break
		}
		out = append(out, s.literal)
	}
	return out
}

func commonPrefix(a, b []string) []string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

// Escape returns the pattern that matches exactly the file name.
func Escape(name string) string {
	if !strings.ContainsAny(name, `*?[]{},\`) && !strings.HasPrefix(name, "!") {
		return name
	}
	var b strings.Builder
	for i, c := range name {
		if strings.ContainsRune(`*?[]{},\`, c) || c == '!' && i == 0 {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// hasDrive tells whether a pattern begins with a drive of Windows, as C:/ or C:\.
// A backslash that only escapes what follows it is none.
func hasDrive(text string) bool {
	if len(text) < 3 || text[1] != ':' || !('a' <= text[0]|0x20 && text[0]|0x20 <= 'z') {
		return false
	}
	return text[2] == '/' || text[2] == '\\' && (len(text) == 3 || !strings.ContainsRune(`*?[]{}\`, rune(text[3])))
}

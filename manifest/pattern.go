package manifest

import (
	"fmt"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"rules_romfs/internal/strictyaml"
)

// Limits of a pattern. Real ones are far below; without limits a pattern of
// a few hundred bytes could stand for millions.
const (
	maxPatternBytes = 32 << 10
	maxAlternatives = 256
	maxPatterns     = 100_000 // in one manifest, with braces written out
	maxSegments     = 62      // so that a set of them, and one more, fits a word
)

// A patternError says why a pattern is none.
type patternError struct{ code, message, remedy string }

// compileGlob reads a pattern that is relative to the root.
func compileGlob(text string) (*glob, *patternError) {
	switch {
	case text == "":
		return nil, &patternError{strictyaml.CodeValue, "is empty", ""}
	case len(text) > maxPatternBytes:
		return nil, &patternError{strictyaml.CodeLimit, fmt.Sprintf("%s has more than %d bytes", strictyaml.Quote(text), maxPatternBytes), ""}
	case strings.ContainsRune(text, 0):
		return nil, &patternError{CodeName, fmt.Sprintf("%s holds a NUL character", strictyaml.Quote(text)), "no file can have that name"}
	case strings.HasPrefix(text, "/") || len(text) > 2 && text[1] == ':' && (text[2] == '/' || text[2] == '\\'):
		return nil, &patternError{CodeEscape, fmt.Sprintf("%s is an absolute path", strictyaml.Quote(text)), "write it relative to root"}
	case strings.HasSuffix(text, "/"):
		return nil, &patternError{CodePattern, fmt.Sprintf("%s names a directory, and patterns match files", strictyaml.Quote(text)), fmt.Sprintf("write %q", text+"**")}
	case strings.HasPrefix(text, "!"):
		return nil, &patternError{CodePattern, fmt.Sprintf("%s begins with an exclamation mark, and patterns are not negated", strictyaml.Quote(text)), "put it under exclude, or write \\! for a name"}
	case badEscape(text):
		return nil, &patternError{CodePattern, fmt.Sprintf("%s has a backslash before an ordinary character", strictyaml.Quote(text)), "separate directories with slashes; a backslash makes a wildcard literal"}
	case !doublestar.ValidatePattern(text):
		return nil, &patternError{CodePattern, fmt.Sprintf("%s is no pattern", strictyaml.Quote(text)), "close every [ and {, and write \\ before a wildcard that is meant literally"}
	}
	expanded, ok := expandBraces(text, maxAlternatives)
	if !ok {
		return nil, &patternError{strictyaml.CodeLimit, fmt.Sprintf("%s stands for more than %d patterns", strictyaml.Quote(text), maxAlternatives), "write several patterns"}
	}
	g := &glob{text: text}
	for _, alt := range expanded {
		segs, err := compileSegments(text, alt)
		if err != nil {
			return nil, err
		}
		g.alts = append(g.alts, segs)
	}
	fixed := fixedPart(g.alts[0])
	for _, alt := range g.alts[1:] {
		fixed = commonPrefix(fixed, fixedPart(alt))
	}
	g.literal = len(g.alts) == 1 && len(fixed) == len(g.alts[0])
	g.fixed = strings.Join(fixed, "/")
	return g, nil
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

func compileSegments(text, alt string) ([]segment, *patternError) {
	var out []segment
	for part := range strings.SplitSeq(alt, "/") {
		switch part {
		case "..":
			return nil, &patternError{CodeEscape, fmt.Sprintf("%s leaves root through \"..\"", strictyaml.Quote(text)), "set root to a directory that holds all sources"}
		case "":
			return nil, &patternError{CodePattern, fmt.Sprintf("%s has an empty path segment", strictyaml.Quote(text)), "write single slashes"}
		case ".":
			continue
		case "**":
			out = append(out, segment{any: true})
			continue
		}
		if !doublestar.ValidatePattern(part) {
			return nil, &patternError{CodePattern, fmt.Sprintf("%s has brackets around a slash", strictyaml.Quote(text)), "close every [ in its path segment"}
		}
		part = collapseStars(part)
		s := segment{pattern: part, dot: strings.HasPrefix(part, ".") || strings.HasPrefix(part, `\.`)}
		if lit, ok := unescape(part); ok {
			s.literal = lit
			if lit == ".." || lit == "." {
				return nil, &patternError{CodeEscape, fmt.Sprintf("%s has the segment %q", strictyaml.Quote(text), lit), ""}
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
		return nil, &patternError{CodePattern, fmt.Sprintf("%s names a directory, and patterns match files", strictyaml.Quote(text)), `write "**"`}
	}
	if len(out) >= maxSegments {
		return nil, &patternError{strictyaml.CodeLimit, fmt.Sprintf("%s has more than %d path segments", strictyaml.Quote(text), maxSegments), ""}
	}
	if out[len(out)-1].any { // files only: ** at the end needs a file below it
		out = append(out, segment{wild: true, simple: true})
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
	depth, start := 0, open+1
	var parts []string
	for i := open; i < len(p); i++ {
		switch p[i] {
		case '\\':
			i++
		case '[':
			if end := indexUnescaped(p, i+1, ']'); end > 0 {
				i = end
			}
		case '{':
			depth++
		case ',', '}':
			if depth == 1 {
				parts = append(parts, p[start:i])
				start = i + 1
			}
			if p[i] == '}' {
				if depth--; depth > 0 {
					continue
				}
				var out []string
				for _, part := range parts {
					more, ok := expandBraces(p[:open]+part+p[i+1:], limit-len(out))
					if !ok || len(out)+len(more) > limit {
						return nil, false
					}
					out = append(out, more...)
				}
				return out, true
			}
		}
	}
	return []string{p}, true // unclosed: ValidatePattern has refused it
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

// base returns the directory that a match keeps its path below, if the rule
// names no strip.
func (g *glob) base() string {
	if g.literal {
		return dirOf(g.fixed)
	}
	return g.fixed
}

// EscapePattern returns the pattern that matches exactly the file name.
func EscapePattern(name string) string {
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

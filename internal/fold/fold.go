// Package fold says which names are one to file systems that ignore some
// differences between them.
package fold

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A Folding says which differences between names a file system ignores.
type Folding struct {
	Case          bool // "Readme" and "README" are one file: Windows and macOS
	Normalization bool // "ä" in one code point and in two are: macOS
}

// Name returns the same for names that are one to the file system.
func (f Folding) Name(name string) string {
	if !strings.ContainsFunc(name, func(c rune) bool { return c >= utf8.RuneSelf }) {
		if f.Case {
			return strings.ToLower(name)
		}
		return name
	}
	if f.Normalization {
		name = norm.NFD.String(name)
	}
	if f.Case {
		name = strings.ToLower(strings.ToUpper(name))
	}
	if f.Normalization {
		name = norm.NFD.String(name) // other case may be other code points
	}
	return name
}

// ByCase reports whether two names that fold to one differ in case, and not in
// the code points that their letters are made of.
func ByCase(a, b string) bool {
	only := Folding{Case: true}
	return only.Name(a) == only.Name(b)
}

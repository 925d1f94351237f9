package inspect

import (
	"crypto/rand"
	"os"
	"strings"

	"golang.org/x/text/unicode/norm"

	"rules_romfs/internal/atomicfile"
)

// A folding says which differences between names a file system ignores.
type folding struct {
	upperCase     bool // "Readme" and "README" are one file
	normalization bool // "ä" in one code point and in two are: macOS
}

// foldingOf asks the file system itself, with a file that is gone afterwards.
func foldingOf(root *os.Root) (f folding, err error) {
	// Its own name each time: another run may have been killed at this point.
	const umlaut = "\u00e4"
	name := atomicfile.ProbePrefix + strings.ToLower(rand.Text()) + umlaut
	file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return f, err
	}
	defer root.Remove(name)
	defer file.Close()
	if release, ok := atomicfile.Hold(file); ok {
		defer release()
	}
	if _, err := root.Lstat(strings.TrimSuffix(strings.ToUpper(name), "\u00c4") + umlaut); err == nil {
		f.upperCase = true
	}
	if _, err := root.Lstat(norm.NFD.String(name)); err == nil {
		f.normalization = true
	}
	return f, nil
}

// fold returns the same for names that are one to the file system.
func (f folding) fold(name string) string {
	if f.normalization {
		name = norm.NFD.String(name)
	}
	if f.upperCase {
		name = strings.ToLower(strings.ToUpper(name))
	}
	if f.normalization {
		name = norm.NFD.String(name) // other case may be other code points
	}
	return name
}

// difference words what two names differ in that fold to one.
func (f folding) difference(a, b string) string {
	if (folding{upperCase: f.upperCase}).fold(a) == (folding{upperCase: f.upperCase}).fold(b) {
		return "case"
	}
	return "the code points that its letters are made of"
}

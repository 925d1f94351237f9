package inspect

import (
	"crypto/rand"
	"os"
	"strings"

	"golang.org/x/text/unicode/norm"

	"rules_romfs/internal/atomicfile"
	"rules_romfs/internal/fold"
)

// foldingOf asks the file system itself, with a file that is gone afterwards.
func foldingOf(root *os.Root) (f fold.Folding, err error) {
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
		f.Case = true
	}
	if _, err := root.Lstat(norm.NFD.String(name)); err == nil {
		f.Normalization = true
	}
	return f, nil
}

// difference words what two names differ in that fold to one.
func difference(a, b string) string {
	if fold.ByCase(a, b) {
		return "case"
	}
	return "the code points that its letters are made of"
}

// Package lint finds what is probably not meant among the names of an image, and
// knows the names that no image should hold.
package lint

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"rules_romfs/internal/fold"
	"rules_romfs/internal/slashpath"
	"rules_romfs/internal/strictyaml"
	"rules_romfs/manifest/internal/code"
	"rules_romfs/manifest/internal/plan"
)

// A Finding is a warning about the entry with that index.
type Finding struct {
	Entry           int
	Code            code.LintCode
	Message, Remedy string
}

// Entries finds what is probably not meant among the names of an image.
func Entries(entries []plan.Entry, tools Tools) []Finding {
	l := &linter{
		final: make(map[string]bool, len(entries)), dirs: map[string]bool{},
		folded: map[string]string{}, seen: map[string]bool{},
	}
	for i := range entries {
		e := &entries[i]
		l.final[e.Dest] = true
		dir := e.Dest
		if e.Kind != plan.Dir {
			dir = slashpath.Parent(dir)
		}
		for ; dir != "" && !l.dirs[dir]; dir = slashpath.Parent(dir) {
			l.dirs[dir] = true
		}
	}
	for i := range entries {
		e := &entries[i]
		l.entry = i
		for name := e.Dest; name != "" && !l.seen[name]; name = slashpath.Parent(name) {
			l.seen[name] = true
			l.name(name)
		}
		tools.lint(e, l.find)
		if e.Kind == plan.File {
			l.module(e.Dest)
		}
	}
	return l.out
}

// A linter goes through the entries of an image.
type linter struct {
	out   []Finding
	entry int // the one at hand

	final, dirs map[string]bool   // destinations, and the directories in them
	folded      map[string]string // what file systems take for one name, to the one first seen
	seen        map[string]bool   // names, of directories too, that were looked at
}

func (l *linter) find(code code.LintCode, remedy, format string, args ...any) {
	l.out = append(l.out, Finding{l.entry, code, fmt.Sprintf(format, args...), remedy})
}

// name looks at one name: of a file, or of a directory.
func (l *linter) name(name string) {
	q := strictyaml.Quote(name)
	folded := fold.Folding{Case: true, Normalization: true}.Name(name)
	switch other, ok := l.folded[folded]; {
	case !ok:
		l.folded[folded] = name
	case slashpath.Parent(other) != slashpath.Parent(name): // that has been said of the directories
	case fold.ByCase(other, name):
		l.find(code.LintCase, "rename one of them", "%s and %s differ only in case, and cannot both be extracted on Windows or macOS", strictyaml.Quote(other), q)
	default:
		l.find(code.LintNormalization, "rename one of them", "%s (%+q) and %s (%+q) are the same letters in different code points, and cannot both be extracted on macOS", strictyaml.Quote(other), path.Base(other), q, path.Base(name))
	}
	base := path.Base(name)
	if strings.ContainsFunc(base, func(c rune) bool { return c >= utf8.RuneSelf }) {
		l.find(code.LintNonASCII, "rename it, if mpremote has to pack it too", "%s is not ASCII, and mpremote could not pack it", q)
	}
	if len(base) > 255 {
		l.find(code.LintLongName, "shorten it", "%s cannot be extracted: most file systems have names of at most 255 bytes", q)
	}
}

// module looks at what an import would find of a file.
func (l *linter) module(dest string) {
	stem, isMPY := strings.CutSuffix(dest, ".mpy")
	stem, isPy := strings.CutSuffix(stem, ".py")
	if isMPY == isPy { // neither, or x.py.mpy
		return
	}
	q := strictyaml.Quote(dest)
	if isMPY && l.final[stem+".py"] {
		l.find(code.LintPyAndMPY, "exclude one of them", "%s is never imported: the .py beside it wins", q)
	}
	if l.dirs[stem] {
		l.find(code.LintPackageShadowsModule, "rename one of them", "%s is never imported: the directory of that name wins", q)
	}
	if isMPY && !l.final[stem+".py"] && (stem == "main" || stem == "boot") {
		l.find(code.LintMainCompiled, "keep it as source (mpy.keep_source), or import it by another name", "%s never runs by itself: firmware looks for %s.py only", q, stem)
	}
}

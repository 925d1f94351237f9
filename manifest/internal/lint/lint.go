// Package lint finds what is probably not meant among the names of an image, and
// knows the names that no image should hold.
package lint

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

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
	var out []Finding
	find := func(i int, code code.LintCode, remedy, format string, args ...any) {
		out = append(out, Finding{i, code, fmt.Sprintf(format, args...), remedy})
	}
	final := make(map[string]int, len(entries)) // destination to entry
	dirs := map[string]int{}                    // directory to an entry in it, or its own
	for i := range entries {
		final[entries[i].Dest] = i
		if entries[i].Kind == plan.Dir {
			dirs[entries[i].Dest] = i
		}
		for dir := slashpath.Parent(entries[i].Dest); dir != ""; dir = slashpath.Parent(dir) {
			if _, ok := dirs[dir]; ok {
				break
			}
			dirs[dir] = i
		}
	}
	folded := map[string]string{} // lower case to the name first seen
	seen := map[string]bool{}
	for i := range entries {
		e := &entries[i]
		q := strictyaml.Quote(e.Dest)
		for name := e.Dest; name != "" && !seen[name]; name = slashpath.Parent(name) {
			seen[name] = true
			lower := strings.ToLower(name)
			if other, ok := folded[lower]; ok && slashpath.Parent(other) == slashpath.Parent(name) {
				find(i, code.LintCase, "rename one of them", "%s and %s differ only in case, and cannot both be extracted on Windows or macOS", strictyaml.Quote(other), strictyaml.Quote(name))
			} else if !ok {
				folded[lower] = name
			}
			base := path.Base(name)
			if strings.ContainsFunc(base, func(c rune) bool { return c >= utf8.RuneSelf }) {
				find(i, code.LintNonASCII, "rename it, if mpremote has to pack it too", "%s is not ASCII, and mpremote could not pack it", strictyaml.Quote(name))
			}
			if len(base) > 255 {
				find(i, code.LintLongName, "shorten it", "%s cannot be extracted: most file systems have names of at most 255 bytes", strictyaml.Quote(name))
			}
		}
		tools.lint(e, func(code code.LintCode, remedy, format string, args ...any) { find(i, code, remedy, format, args...) })
		if e.Kind != plan.File {
			continue
		}
		stem, isMPY := strings.CutSuffix(e.Dest, ".mpy")
		if !isMPY {
			stem, _ = strings.CutSuffix(e.Dest, ".py")
			if stem == e.Dest {
				continue
			}
		}
		if _, ok := final[stem+".py"]; ok && isMPY {
			find(i, code.LintPyAndMPY, "exclude one of them", "%s is never imported: the .py beside it wins", q)
		}
		if _, ok := dirs[stem]; ok {
			find(i, code.LintPackageShadowsModule, "rename one of them", "%s is never imported: the directory of that name wins", q)
		}
		if _, ok := final[stem+".py"]; isMPY && !ok && (stem == "main" || stem == "boot") {
			find(i, code.LintMainCompiled, "keep it as source (mpy.keep_source), or import it by another name", "%s never runs by itself: firmware looks for %s.py only", q, stem)
		}
	}
	return out
}

package lint

import (
	"slices"
	"strings"

	"rules_romfs/internal/strictyaml"
	"rules_romfs/manifest/internal/code"
	"rules_romfs/manifest/internal/plan"
	"rules_romfs/manifest/internal/spec"
)

// Tools tells which warnings about other tools are of interest: those of
// OpenMV are, where its boards or its layout are named. Nobody else is bothered.
type Tools struct {
	OpenMV bool // the board's profile says that OpenMV's tools are used on it
	Layout string
}

// lint finds what OpenMV's tools would do to an entry when they save the image
// again, and .py files that gain nothing from ROMFS.
func (t Tools) lint(e *plan.Entry, find func(code code.LintCode, remedy, format string, args ...any)) {
	if !t.OpenMV && t.Layout != "openmv" {
		return
	}
	q := strictyaml.Quote(e.Dest)
	name := e.Dest[strings.LastIndexByte(e.Dest, '/')+1:]
	for elem := range strings.SplitSeq(e.Dest, "/") {
		if strings.ContainsFunc(elem, func(c rune) bool { return c < ' ' || c > '~' }) {
			find(code.LintOpenMVName, "rename it, if OpenMV's tools are to save the image again", "OpenMV's tools would rename %s: they write a question mark for what is not printable ASCII", q)
			break
		}
	}
	// Studio's editor parses the records of the root alone. That concerns who
	// wants to open the image there, and says so with the layout.
	if t.Layout == "openmv" && (e.Kind == plan.Dir || name != e.Dest) {
		find(code.LintOpenMVDirectory, "put the files into the root, or save the image with this tool or OpenMV IDE only", "OpenMV Studio does not show %s: it reads the root of an image alone, and drops directories when it saves", q)
	}
	if e.Kind != plan.File {
		return
	}
	// The IDE looks for its rules by all that follows the first dot (Qt's
	// completeSuffix), and aligns what it finds none for to 4.
	if _, suffix, _ := strings.Cut(name, "."); strings.Contains(suffix, ".") && e.Align > spec.OpenMVAlign {
		find(code.LintOpenMVSuffix, "leave one dot in its name", "OpenMV IDE would align %s to %d instead of %d when it saves the image: it knows no rule for names in .%s", q, spec.OpenMVAlign, e.Align, suffix)
	}
	if spec.IsModule(e.Dest) && e.MPYFrom != spec.CompilingIsOff && !slices.Contains(spec.DefaultKeepSource, e.Dest) {
		find(code.LintPySource, "compile it (mpy.compile)", "%s is packed as source: each import compiles it into RAM, where a .mpy file stays in flash", q)
	}
}

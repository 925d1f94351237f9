package manifest

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"rules_romfs/internal/slashpath"
	"rules_romfs/internal/strictyaml"
)

// A LintCode names one kind of warning.
type LintCode string

// The warnings that this package gives. The codes of later stages are in
// [Lints] too, but belong to the packages that give them.
const (
	LintAlignBelowBoard      LintCode = "align-below-board"
	LintCase                 LintCode = "case"
	LintLongName             LintCode = "long-name"
	LintMainCompiled         LintCode = "main-compiled"
	LintNoEffect             LintCode = "no-effect"
	LintNonASCII             LintCode = "non-ascii"
	LintOpenMVDirectory      LintCode = "openmv-directory"
	LintOpenMVName           LintCode = "openmv-name"
	LintOpenMVSuffix         LintCode = "openmv-suffix"
	LintPackageShadowsModule LintCode = "package-shadows-module"
	LintPyAndMPY             LintCode = "py-and-mpy"
	LintPySource             LintCode = "py-source"
	LintSecret               LintCode = "secret"
	LintUnused               LintCode = "unused"
)

// A LintInfo describes one kind of warning.
type LintInfo struct {
	Code    LintCode `json:"code"`
	Meaning string   `json:"meaning"`
}

// Lints returns all kinds of warnings that a build may give, sorted by code.
func Lints() []LintInfo { return slices.Clone(lints) }

var lints = []LintInfo{
	{LintAlignBelowBoard, "a file has a smaller alignment than the board's profile wants for it"},
	{"boundary-dropped", "layout stable: the gap before the large files does not fit the partition and is left out"},
	{"budget", "the image is larger than budget.warn"},
	{"budget-above-partition", "budget.max is larger than the partition, so it limits nothing"},
	{"cache", "the compile cache does not work"},
	{LintCase, "two names differ only in case, so the image cannot be extracted on Windows and macOS"},
	{LintLongName, "a name has more than 255 bytes, so the image cannot be extracted on most file systems"},
	{LintMainCompiled, "boot.py or main.py of the root is compiled, and firmware runs these as source only"},
	{"mixed-abi", "the .mpy files ask for different firmware, so no board loads all of them"},
	{"mpy-cross-release", "the compiler is of another release than the one that is pinned"},
	{"mpy-cross-skipped", "a compiler was found and passed over"},
	{"mpy-cross-uncached", "the compiler cannot be kept in the cache"},
	{LintNoEffect, "earlier rules have placed every file that a rule matches"},
	{LintNonASCII, "a name is not ASCII, which mpremote could not pack"},
	{"not-mpy", "a .mpy file does not begin as one, so no firmware imports it"},
	{LintOpenMVDirectory, "layout openmv: OpenMV Studio shows the root of an image alone, and drops directories when it saves"},
	{"openmv-empty", "OpenMV boards: OpenMV IDE drops an empty file when it saves the image"},
	{LintOpenMVName, "OpenMV boards: a name is not printable ASCII, and OpenMV's tools write question marks for the rest"},
	{LintOpenMVSuffix, "OpenMV boards: a model has several dots in its name, so OpenMV IDE does not align it when it saves the image"},
	{LintPackageShadowsModule, "a directory hides the module of the same name at import"},
	{"partition-end", "the image reaches into the last bytes of a partition whose end the board cannot read safely"},
	{"partition-size", "the size of the partition is not known, so nothing checks that the image fits"},
	{LintPyAndMPY, "a module is there as .py and as .mpy, and the .py wins at import"},
	{LintPySource, "OpenMV boards: a .py file is packed as source, so each import compiles it into RAM"},
	{LintSecret, "a pattern matches what looks like a key or a password, which is left out"},
	{"size-differs", "--partition-size is another size than the board's profile has for the partition"},
	{"transform-skipped", "a file is packed as it is, because the program of its transform is missing"},
	{LintUnused, "a pattern of align matches nothing, or one of exclude names a directory"},
}

// ParseLintCode returns the warning of that code.
func ParseLintCode(s string) (LintCode, error) {
	var codes []string
	for _, l := range lints {
		if s == string(l.Code) {
			return l.Code, nil
		}
		codes = append(codes, string(l.Code))
	}
	if c := strictyaml.Closest(s, codes); c != "" {
		return "", fmt.Errorf("there is no warning %s; did you mean %q?", strictyaml.Quote(s), c)
	}
	return "", fmt.Errorf("there is no warning %s; the codes are %s", strictyaml.Quote(s), strings.Join(codes, ", "))
}

// UnmarshalValue implements [strictyaml.Unmarshaler].
func (c *LintCode) UnmarshalValue(v strictyaml.Value) {
	s, ok := v.String()
	if !ok {
		return
	}
	code, err := ParseLintCode(s)
	if err != nil {
		message, remedy, _ := strings.Cut(err.Error(), "; ")
		v.Errorf(strictyaml.CodeValue, remedy, "%s", message)
	}
	*c = code
}

// JSONSchemaOf describes the type to the schema generator.
func (LintCode) JSONSchemaOf() any {
	var codes []any
	for _, l := range lints {
		codes = append(codes, map[string]any{"const": string(l.Code), "description": l.Meaning})
	}
	return map[string]any{"oneOf": codes}
}

// A Warning is something that is probably not meant. Its code silences it:
// in a manifest as lint: {allow: [CODE]}.
type Warning struct {
	Code         LintCode
	File         string
	Line, Column int // 0 without a manifest
	Rule         string
	Message      string
	Remedy       string
}

// String formats w in one line: FILE:LINE:COLUMN: RULE: MESSAGE; REMEDY [CODE].
func (w Warning) String() string {
	e := Error{File: w.File, Line: w.Line, Column: w.Column, Rule: w.Rule, Message: w.Message, Remedy: w.Remedy}
	return fmt.Sprintf("%s [%s]", e.Error(), w.Code)
}

// A finding is a warning about the entry with that index.
type finding struct {
	entry           int
	code            LintCode
	message, remedy string
}

// lintEntries finds what is probably not meant among the names of an image.
func lintEntries(entries []Entry, tools lintTools) []finding {
	var out []finding
	find := func(i int, code LintCode, remedy, format string, args ...any) {
		out = append(out, finding{i, code, fmt.Sprintf(format, args...), remedy})
	}
	final := make(map[string]int, len(entries)) // destination to entry
	dirs := map[string]int{}                    // directory to an entry in it, or its own
	for i := range entries {
		final[entries[i].Dest] = i
		if entries[i].Kind == Dir {
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
				find(i, LintCase, "rename one of them", "%s and %s differ only in case, and cannot both be extracted on Windows or macOS", strictyaml.Quote(other), strictyaml.Quote(name))
			} else if !ok {
				folded[lower] = name
			}
			base := path.Base(name)
			if strings.ContainsFunc(base, func(c rune) bool { return c >= utf8.RuneSelf }) {
				find(i, LintNonASCII, "rename it, if mpremote has to pack it too", "%s is not ASCII, and mpremote could not pack it", strictyaml.Quote(name))
			}
			if len(base) > 255 {
				find(i, LintLongName, "shorten it", "%s cannot be extracted: most file systems have names of at most 255 bytes", strictyaml.Quote(name))
			}
		}
		tools.lint(e, func(code LintCode, remedy, format string, args ...any) { find(i, code, remedy, format, args...) })
		if e.Kind != File {
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
			find(i, LintPyAndMPY, "exclude one of them", "%s is never imported: the .py beside it wins", q)
		}
		if _, ok := dirs[stem]; ok {
			find(i, LintPackageShadowsModule, "rename one of them", "%s is never imported: the directory of that name wins", q)
		}
		if _, ok := final[stem+".py"]; isMPY && !ok && (stem == "main" || stem == "boot") {
			find(i, LintMainCompiled, "keep it as source (mpy.keep_source), or import it by another name", "%s never runs by itself: firmware looks for %s.py only", q, stem)
		}
	}
	return out
}

// lint warns of what lintEntries finds, and of patterns without effect.
func (r *resolver) lint() {
	for _, f := range lintEntries(r.plan.Entries, lintTools{openmv: r.o.OpenMV, layout: r.plan.Layout}) {
		r.warn(r.at[f.entry], f.code, f.remedy, "%s", f.message)
	}
	for i, used := range r.usedAlign {
		if used {
			continue
		}
		at := r.m.alignAt(i) + ".match"
		const remedy = "it is matched against destinations, such as lib/app.mpy"
		if s := r.m.section; s != nil && i >= s.align {
			r.unused(at, remedy, r.m.Align[i].Match)
			continue
		}
		r.warn(at, LintUnused, remedy, "%s matches no file of the image", strictyaml.Quote(r.m.Align[i].Match))
	}
}

// unused notes a pattern of the top level that one of several images has no
// use for: another may have.
func (r *resolver) unused(at, remedy, pattern string) {
	if _, silent := slices.BinarySearch(r.plan.Allow, LintUnused); !silent {
		p := r.m.doc.Pos(at)
		r.plan.unused = append(r.plan.unused, Warning{LintUnused, r.m.path, p.Line, p.Column, at, strictyaml.Quote(pattern) + " matches no file of any image", remedy})
	}
}

// Unused returns the warnings about patterns in the top level of a manifest
// that none of its images has a use for. The plans are those of all images.
func Unused(plans []*Plan) []Warning {
	var out []Warning
	for _, w := range plans[0].unused {
		if !slices.ContainsFunc(plans, func(p *Plan) bool { return !slices.Contains(p.unused, w) }) {
			out = append(out, w)
		}
	}
	return out
}

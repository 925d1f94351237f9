package code

import (
	"fmt"
	"slices"
	"strings"

	"rules_romfs/internal/strictyaml"
)

// A LintCode is the code of one kind of warning.
type LintCode string

// The warnings about manifests and the names of files. The codes of later stages
// are in [Lints] too, but belong to the packages that give them.
const (
	LintAlignBelowBoard      LintCode = "align-below-board"
	LintCase                 LintCode = "case"
	LintGit                  LintCode = "git"
	LintLongName             LintCode = "long-name"
	LintMainCompiled         LintCode = "main-compiled"
	LintNoEffect             LintCode = "no-effect"
	LintNonASCII             LintCode = "non-ascii"
	LintNormalization        LintCode = "normalization"
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
	{"cut-off", "a model or module is shorter than it says itself"},
	{"empty-file", "a file is empty that by its suffix is a model, a module or a picture"},
	{LintGit, "build DIR: a folder of git goes into the image"},
	{"lfs-pointer", "a pointer of git-lfs is packed in the place of the file"},
	{LintLongName, "a name has more than 255 bytes, so the image cannot be extracted on most file systems"},
	{LintMainCompiled, "boot.py or main.py of the root is compiled, and firmware runs these as source only"},
	{"mixed-abi", "the .mpy files ask for different firmware, so no board loads all of them"},
	{"mpy-cross-release", "the compiler is of another release than the one that is pinned"},
	{"mpy-cross-skipped", "a compiler was found and passed over"},
	{"mpy-cross-uncached", "the compiler cannot be kept in the cache"},
	{LintNoEffect, "earlier rules have placed every file that a rule matches"},
	{LintNonASCII, "a name is not ASCII, which mpremote could not pack"},
	{LintNormalization, "two names are the same letters in different code points (ä as one, or as a and dots), so the image cannot be extracted on macOS"},
	{"not-as-named", "a file does not begin as files of its suffix do, such as a web page that was saved as a model"},
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
	{LintSecret, "what looks like a key or a password: a pattern matches it and leaves it out, or build DIR packs it"},
	{"size-differs", "--partition-size is another size than the board's profile has for the partition"},
	{"transform-skipped", "a file is packed as it is, because the program of its transform is missing"},
	{LintUnused, "a pattern of align matches nothing, or one of exclude names a directory"},
}

// ParseLint returns the warning of that code.
func ParseLint(s string) (LintCode, error) {
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
	code, err := ParseLint(s)
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

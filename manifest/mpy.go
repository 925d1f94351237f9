package manifest

import (
	"fmt"
	"path"
	"strings"

	"rules_romfs/internal/pattern"
	"rules_romfs/internal/strictyaml"
)

// Defaults of what a manifest does not say about compiling.
const (
	defaultEmit = "bytecode"
	defaultArch = "none"
)

// compilingIsOff is Entry.MPYFrom of what --no-mpy keeps as source.
const compilingIsOff = "compiling is switched off"

var defaultKeepSource = []string{"boot.py", "main.py"}

// settings returns the compiler settings of a rule (nil: of the manifest
// alone), complete but for KeepSource, and where they come from.
func (m *Manifest) settings(rule *rule) (MPYSettings, string) {
	compile, optimize, bits := true, 0, SmallIntBits(0)
	keep := defaultKeepSource
	s := MPYSettings{Compile: &compile, Optimize: &optimize, Emit: defaultEmit, Arch: defaultArch, SmallIntBits: &bits, KeepSource: &keep}
	from := "defaults"
	if m.MPY != nil {
		s.merge(&m.MPY.MPYSettings)
		from = m.at("mpy")
	}
	if rule != nil && rule.file.MPY != nil {
		s.merge(&rule.file.MPY.MPYSettings)
		from = rule.path + ".mpy"
	}
	return s, from
}

// merge replaces what over sets.
func (s *MPYSettings) merge(over *MPYSettings) {
	if over.Compile != nil {
		s.Compile = over.Compile
	}
	if over.Optimize != nil {
		s.Optimize = over.Optimize
	}
	if over.Emit != "" {
		s.Emit = over.Emit
	}
	if over.Arch != "" {
		s.Arch = over.Arch
	}
	if over.ArchFlags != nil {
		s.ArchFlags = over.ArchFlags
	}
	if over.SmallIntBits != nil {
		s.SmallIntBits = over.SmallIntBits
	}
	if over.KeepSource != nil {
		s.KeepSource = over.KeepSource
	}
}

// mpy checks the settings that a manifest or rule writes, over those they
// replace.
func (c *checker) mpy(rule *rule) {
	at, written := c.m.at, c.m.MPY != nil
	var own *MPYSettings
	if written {
		own = &c.m.MPY.MPYSettings
	}
	if rule != nil {
		at = func(key string) string { return rule.path + "." + key }
		if written = rule.file.MPY != nil; written {
			own = &rule.file.MPY.MPYSettings
		}
	}
	if !written {
		return
	}
	if own.KeepSource != nil {
		for i, k := range *own.KeepSource {
			c.pattern(fmt.Sprintf("%s[%d]", at("mpy.keep_source"), i), k, pattern.Destinations)
		}
	}
	s, _ := c.m.settings(rule)
	if s.Emit != defaultEmit && s.Arch == defaultArch && *s.Compile && (own.Emit != "" || own.Arch != "") {
		where := at("mpy.emit")
		if own.Emit == "" {
			where = at("mpy.arch")
		}
		c.add(where, CodeMPY, "add arch: board, or the name of an architecture", "emit: %s generates machine code and arch is none", s.Emit)
	}
	if len(s.ArchFlags) > 0 && s.Arch != "rv32imc" && s.Arch != "board" && (own.ArchFlags != nil || own.Arch != "") {
		where := at("mpy.arch_flags")
		if own.ArchFlags == nil {
			where = at("mpy.arch")
		}
		c.add(where, CodeMPY, "say arch: rv32imc, or remove them", "only rv32imc has arch_flags, and arch is %s", s.Arch)
	}
}

// setMPY decides whether and how a file is compiled, and renames it.
func (r *resolver) setMPY(rule *rule, e *Entry, at string) {
	if strings.HasSuffix(e.Dest, ".mpy") && strings.HasSuffix(e.Source, ".py") {
		r.add(at, CodeMPY, fmt.Sprintf("write dest: %s; compiling renames it", strings.TrimSuffix(e.Dest, ".mpy")+".py"), "%s is Python source and %s would not be", strictyaml.Quote(e.Source), strictyaml.Quote(e.Dest))
		return
	}
	if !isModule(e.Dest) {
		return
	}
	s, from := r.m.settings(rule)
	switch {
	case r.o.Compile != nil && !*r.o.Compile:
		e.MPYFrom = compilingIsOff
		return
	case r.o.Compile == nil && !*s.Compile:
		e.MPYFrom = from + ": compile: false"
		return
	}
	for _, k := range *s.KeepSource {
		if r.keepGlob(k).Match(e.Dest) {
			e.MPYFrom = "keep_source: " + k
			return
		}
	}
	e.MPY = &MPYOptions{SourceName: e.Dest, Optimize: *s.Optimize, Emit: s.Emit, Arch: s.Arch, ArchFlags: s.ArchFlags, SmallIntBits: int(*s.SmallIntBits)}
	e.MPYFrom = from
	e.Dest = strings.TrimSuffix(e.Dest, ".py") + ".mpy"
}

// isModule reports whether a destination is Python source that can be
// compiled.
func isModule(dest string) bool {
	return strings.HasSuffix(dest, ".py") && path.Base(dest) != ".py"
}

func (r *resolver) keepGlob(text string) *pattern.Pattern {
	if g := r.keep[text]; g != nil {
		return g
	}
	g, err := pattern.Compile(text, pattern.Destinations)
	if err != nil {
		panic("manifest: check passed the pattern " + text)
	}
	if r.keep == nil {
		r.keep = map[string]*pattern.Pattern{}
	}
	r.keep[text] = g
	return g
}

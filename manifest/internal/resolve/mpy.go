package resolve

import (
	"fmt"
	"strings"

	"rules_romfs/internal/pattern"
	"rules_romfs/internal/strictyaml"
	"rules_romfs/manifest/internal/code"
	"rules_romfs/manifest/internal/plan"
	"rules_romfs/manifest/internal/spec"
)

// setMPY decides whether and how a file is compiled, and renames it.
func (r *resolver) setMPY(rule *spec.CompiledRule, e *plan.Entry, at string) {
	if strings.HasSuffix(e.Dest, ".mpy") && strings.HasSuffix(e.Source, ".py") {
		r.add(at, code.MPY, fmt.Sprintf("write dest: %s; compiling renames it", strings.TrimSuffix(e.Dest, ".mpy")+".py"), "%s is Python source and %s would not be", strictyaml.Quote(e.Source), strictyaml.Quote(e.Dest))
		return
	}
	if !spec.IsModule(e.Dest) {
		return
	}
	s, from := r.m.Settings(rule)
	switch {
	case r.o.Compile != nil && !*r.o.Compile:
		e.MPYFrom = spec.CompilingIsOff
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
	e.MPY = &plan.MPYOptions{SourceName: e.Dest, Optimize: *s.Optimize, Emit: s.Emit, Arch: s.Arch, ArchFlags: s.ArchFlags, SmallIntBits: int(*s.SmallIntBits)}
	e.MPYFrom = from
	e.Dest = strings.TrimSuffix(e.Dest, ".py") + ".mpy"
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

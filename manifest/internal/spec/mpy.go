package spec

import (
	"path"
	"strings"
)

// Defaults of what a manifest does not say about compiling.
const (
	DefaultEmit = "bytecode"
	DefaultArch = "none"
)

// CompilingIsOff says why a .py file is packed as it is: the user said --no-mpy.
const CompilingIsOff = "compiling is switched off"

// DefaultKeepSource are the files that firmware runs as source only.
var DefaultKeepSource = []string{"boot.py", "main.py"}

// Settings returns the compiler settings of a rule (nil: of the manifest
// alone), complete, and where they come from.
func (m *Manifest) Settings(rule *CompiledRule) (MPYSettings, string) {
	compile, optimize, bits := true, 0, SmallIntBits(0)
	keep := DefaultKeepSource
	s := MPYSettings{Compile: &compile, Optimize: &optimize, Emit: DefaultEmit, Arch: DefaultArch, SmallIntBits: &bits, KeepSource: &keep}
	from := "defaults"
	if m.MPY != nil {
		s.merge(&m.MPY.MPYSettings)
		from = m.At("mpy")
	}
	if rule != nil && rule.MPY != nil {
		s.merge(&rule.MPY.MPYSettings)
		from = rule.At + ".mpy"
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

// IsModule reports whether a destination is Python source that can be
// compiled.
func IsModule(dest string) bool {
	return strings.HasSuffix(dest, ".py") && path.Base(dest) != ".py"
}

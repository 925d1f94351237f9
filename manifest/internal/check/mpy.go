package check

import (
	"fmt"

	"rules_romfs/internal/pattern"
	"rules_romfs/manifest/internal/code"
	"rules_romfs/manifest/internal/spec"
)

// mpy checks the settings that a manifest or rule writes, over those they
// replace.
func (c *checker) mpy(rule *spec.CompiledRule) {
	at, written := c.m.At, c.m.MPY != nil
	var own *spec.MPYSettings
	if written {
		own = &c.m.MPY.MPYSettings
	}
	if rule != nil {
		at = func(key string) string { return rule.At + "." + key }
		if written = rule.MPY != nil; written {
			own = &rule.MPY.MPYSettings
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
	s, _ := c.m.Settings(rule)
	if s.Emit != spec.DefaultEmit && s.Arch == spec.DefaultArch && *s.Compile && (own.Emit != "" || own.Arch != "") {
		where := at("mpy.emit")
		if own.Emit == "" {
			where = at("mpy.arch")
		}
		c.add(where, code.MPY, "add arch: board, or the name of an architecture", "emit: %s generates machine code and arch is none", s.Emit)
	}
	if len(s.ArchFlags) > 0 && s.Arch != "rv32imc" && s.Arch != "board" && (own.ArchFlags != nil || own.Arch != "") {
		where := at("mpy.arch_flags")
		if own.ArchFlags == nil {
			where = at("mpy.arch")
		}
		c.add(where, code.MPY, "say arch: rv32imc, or remove them", "only rv32imc has arch_flags, and arch is %s", s.Arch)
	}
}

package mpy

import "fmt"

// An ABI is what a firmware's .mpy loader accepts.
type ABI struct {
	Version      uint8  // .mpy version: 6 since MicroPython 1.19
	SubVersion   uint8  // native ABI: 3 since MicroPython 1.23; only native code must match it
	Arch         Arch   // highest architecture that the loader accepts; ArchNone: no native code
	SmallIntBits int    // bits of the firmware's small integers; 0: unknown, not checked
	ArchFlags    uint64 // instruction set extensions of the processor
}

// ParseABI decodes sys.implementation._mpy: the second and third byte of the
// header of a .mpy file with native code for the firmware, and from bit 16 on
// the processor's extensions. The small-int bits are not in it.
func ParseABI(implMPY int64) ABI {
	v := uint64(implMPY)
	return ABI{
		Version:    uint8(v),
		SubVersion: uint8(v >> 8 & subMask),
		Arch:       Arch(v >> (8 + archShift) & archMask),
		ArchFlags:  v >> 16,
	}
}

// Accepts returns nil if firmware with this ABI loads a .mpy file with header h,
// and an [*IncompatibleError] if its loader would raise ValueError. It is the
// rule of mp_raw_code_load in py/persistentcode.c.
func (a ABI) Accepts(h Header) error {
	refuse := func(what Incompatibility) error { return &IncompatibleError{What: what, Header: h, ABI: a} }
	switch {
	case h.Version != a.Version:
		return refuse(WrongVersion)
	case h.Arch != ArchNone && a.Arch == ArchNone:
		return refuse(NoNativeCode)
	case h.Arch != ArchNone && h.SubVersion != a.SubVersion:
		return refuse(WrongSubVersion)
	case h.Arch != ArchNone && !a.runs(h.Arch):
		return refuse(WrongArch)
	case a.SmallIntBits != 0 && h.SmallIntBits > a.SmallIntBits:
		return refuse(WrongSmallInts)
	case h.HasArchFlags && (a.Arch != ArchRV32IMC || h.ArchFlags&^a.ArchFlags != 0):
		return refuse(WrongArchFlags)
	}
	return nil
}

// runs tells whether the loader accepts native code for arch: in the Thumb
// family everything up to the firmware's own, otherwise exactly the same.
func (a ABI) runs(arch Arch) bool {
	if a.Arch.thumb() {
		return arch.thumb() && arch <= a.Arch
	}
	return arch == a.Arch
}

// An Incompatibility names the part of the header that the loader refuses.
type Incompatibility string

// The reasons of an [IncompatibleError].
const (
	WrongVersion    Incompatibility = "version"
	WrongSubVersion Incompatibility = "sub-version"
	NoNativeCode    Incompatibility = "native code"
	WrongArch       Incompatibility = "architecture"
	WrongSmallInts  Incompatibility = "small-int bits"
	WrongArchFlags  Incompatibility = "architecture flags"
)

// An IncompatibleError says why a firmware would not load a .mpy file.
type IncompatibleError struct {
	What   Incompatibility
	Header Header
	ABI    ABI
}

func (e *IncompatibleError) Error() string {
	h, a := e.Header, e.ABI
	switch e.What {
	case WrongVersion:
		return fmt.Sprintf("the file is .mpy version %d, the firmware loads version %d: compile it with the mpy-cross of the firmware's release", h.Version, a.Version)
	case WrongSubVersion:
		return fmt.Sprintf("the native code is .mpy version %d.%d, the firmware loads %d.%d: compile it with the mpy-cross of the firmware's release", h.Version, h.SubVersion, a.Version, a.SubVersion)
	case NoNativeCode:
		return fmt.Sprintf("the file has native code for %v, the firmware loads bytecode only: compile it with emit: bytecode", h.Arch)
	case WrongArch:
		return fmt.Sprintf("the file has native code for %v, the firmware runs %v: compile it with arch: %v", h.Arch, a.Arch, a.Arch)
	case WrongSmallInts:
		return fmt.Sprintf("the file has integers of %d bits, the firmware's small integers have %d: compile it with small_int_bits: %d", h.SmallIntBits, a.SmallIntBits, a.SmallIntBits)
	default:
		return fmt.Sprintf("the native code uses instruction set extensions %#x, the processor has %#x: compile it without the missing arch_flags", h.ArchFlags, a.ArchFlags)
	}
}

package mpy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// An Arch is a native architecture as the .mpy header numbers it
// (MP_NATIVE_ARCH_* in MicroPython's py/persistentcode.h).
type Arch uint8

// The architectures of .mpy version 6.3. ArchNone marks a file without native
// code, which every firmware of the right version loads.
const (
	ArchNone      Arch = 0
	ArchX86       Arch = 1
	ArchX64       Arch = 2
	ArchARMv6     Arch = 3
	ArchARMv6M    Arch = 4
	ArchARMv7M    Arch = 5
	ArchARMv7EM   Arch = 6
	ArchARMv7EMSP Arch = 7
	ArchARMv7EMDP Arch = 8
	ArchXtensa    Arch = 9
	ArchXtensaWin Arch = 10
	ArchRV32IMC   Arch = 11
	ArchRV64IMC   Arch = 12
	ArchDebug     Arch = 13
)

// archNames are the values of mpy-cross's -march, by number.
var archNames = []string{
	"none", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp",
	"xtensa", "xtensawin", "rv32imc", "rv64imc", "debug",
}

// String returns the name that mpy-cross's -march takes, or "none".
func (a Arch) String() string {
	if int(a) < len(archNames) {
		return archNames[a]
	}
	return "arch" + strconv.Itoa(int(a))
}

// ArchNames returns the names of all architectures.
func ArchNames() []string { return slices.Clone(archNames) }

// ParseArch is the inverse of [Arch.String]; the empty string is "none".
func ParseArch(name string) (Arch, error) {
	if name == "" {
		return ArchNone, nil
	}
	if i := slices.Index(archNames, name); i >= 0 {
		return Arch(i), nil
	}
	return 0, fmt.Errorf("unknown architecture %q: mpy-cross knows %s", name, strings.Join(archNames, ", "))
}

// thumb tells whether a belongs to the ARM Thumb family, in which a firmware
// also runs the code of every smaller member.
func (a Arch) thumb() bool { return ArchARMv6M <= a && a <= ArchARMv7EMDP }

// ArchFlags returns the bits of extensions of rv32imc, as the header of a .mpy
// file numbers them (RV32_EXT_* in py/asmrv32.h). Names that it does not know
// have none.
func ArchFlags(names []string) uint64 {
	var flags uint64
	for _, name := range names {
		switch name {
		case "zba":
			flags |= 1 << 0
		case "zcmp":
			flags |= 1 << 1
		}
	}
	return flags
}

package mpy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Options are the settings of one compilation. The zero value compiles to
// bytecode, without optimization, for 31-bit small integers.
type Options struct {
	SourceName   string   // name embedded in the .mpy, shown in tracebacks: the destination with .py; 1 to 255 bytes
	Optimize     int      // 0 to 3: -O; 1 and up drop asserts, 3 also line numbers
	Emit         string   // "bytecode" (also ""), "native" or "viper": for functions without a decorator
	Arch         string   // architecture of native code; "none" (also ""): native code is an error
	ArchFlags    []string // instruction set extensions, for rv32imc only: "zba", "zcmp"
	SmallIntBits int      // 15 to 63; 0: the compiler's default, 31
}

// Limits of [Options].
const (
	// MaxSourceName is the longest source name in bytes. mpy-cross stores it as
	// a qstr, whose length is one byte.
	MaxSourceName = 255
	// MinSmallIntBits and MaxSmallIntBits are those of the narrowest machine
	// that MicroPython runs on (16-bit words, one tag bit) and of the widest.
	MinSmallIntBits = 15
	MaxSmallIntBits = 63
)

// An OptionError says which of the [Options] is wrong.
type OptionError struct {
	Option  string // as the manifest names it: "small_int_bits"
	Message string
}

func (e *OptionError) Error() string { return "mpy " + e.Option + ": " + e.Message }

// Validate returns an [*OptionError] if mpy-cross would refuse the options, or
// take them and produce files that no board loads.
func (o Options) Validate() error {
	bad := func(option, format string, args ...any) error {
		return &OptionError{option, fmt.Sprintf(format, args...)}
	}
	arch, err := ParseArch(o.Arch)
	switch {
	case o.SourceName == "":
		return bad("source name", "it is empty; it must be the module's destination")
	case len(o.SourceName) > MaxSourceName:
		return bad("source name", "the destination has %d bytes; MicroPython takes at most %d: shorten it", len(o.SourceName), MaxSourceName)
	case strings.ContainsRune(o.SourceName, 0):
		return bad("source name", "%q contains NUL", o.SourceName)
	case o.Optimize < 0 || o.Optimize > 3:
		return bad("optimize", "%d is not one of 0, 1, 2, 3", o.Optimize)
	case o.Emit != "" && o.Emit != "bytecode" && o.Emit != "native" && o.Emit != "viper":
		return bad("emit", "%q is not one of bytecode, native, viper", o.Emit)
	case err != nil:
		return bad("arch", "%v", err)
	case arch == ArchRV64IMC:
		return bad("arch", "mpy-cross cannot emit native code for rv64imc yet")
	case (o.Emit == "native" || o.Emit == "viper") && arch == ArchNone:
		return bad("arch", "emit: %s makes native code, which needs an architecture: set arch: board, or one of mpy-cross's -march", o.Emit)
	case len(o.ArchFlags) > 0 && arch != ArchRV32IMC:
		return bad("arch_flags", "only rv32imc has extensions to choose from, not %v", arch)
	case o.SmallIntBits != 0 && (o.SmallIntBits < MinSmallIntBits || o.SmallIntBits > MaxSmallIntBits):
		return bad("small_int_bits", "%d is not in the range %d to %d (31 on most boards)", o.SmallIntBits, MinSmallIntBits, MaxSmallIntBits)
	}
	for _, f := range o.ArchFlags {
		if f != "zba" && f != "zcmp" {
			return bad("arch_flags", "%q is not one of zba, zcmp", f)
		}
	}
	return nil
}

// args returns mpy-cross's arguments but for the input, the output and the heap.
// What equals the compiler's default is left out, so that every spelling of the
// same compilation has the same cache key.
func (o Options) args() []string {
	args := []string{"-s", o.SourceName}
	if o.Optimize != 0 {
		args = append(args, "-O"+strconv.Itoa(o.Optimize))
	}
	if o.Emit != "" && o.Emit != "bytecode" {
		args = append(args, "-X", "emit="+o.Emit)
	}
	if o.Arch != "" && o.Arch != "none" {
		args = append(args, "-march="+o.Arch)
	}
	if len(o.ArchFlags) > 0 {
		flags := slices.Compact(slices.Sorted(slices.Values(o.ArchFlags)))
		args = append(args, "-march-flags="+strings.Join(flags, ","))
	}
	if o.SmallIntBits != 0 {
		args = append(args, "-msmall-int-bits="+strconv.Itoa(o.SmallIntBits))
	}
	return args
}
